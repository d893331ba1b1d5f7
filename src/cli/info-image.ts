import { parsePolicy } from "../../policy/parse.ts";
import { chooseRequirements, lookupChain } from "../../policy/scope.ts";
import { withoutPassword } from "../../sigstore/lookaside/layout.ts";
import type { Environment } from "../config/environment.ts";
import { loadPolicyFile } from "../config/load-policy-file.ts";
import { loadRegistriesD } from "../config/load-registries-d.ts";
import { defaultLookasideFolder } from "../config/lookaside-folder.ts";
import { signaturePlaces } from "../config/registries-d.ts";
import { KnownError } from "../core/errors.ts";
import type { ImageReference } from "../core/image-reference.ts";
import type { GlobalSettings } from "./settings.ts";

type PolicySettings = Pick<GlobalSettings, "insecurePolicy" | "policyPath" | "registriesDirectory">;

/** What the trust policy would ask of an image, and where its signatures would be looked for. */
export async function trustLines(
  environment: Environment,
  image: ImageReference,
  settings: PolicySettings,
): Promise<readonly string[]> {
  return [
    `  policy scopes: ${lookupChain(image)
      .map((scope) => scope || '""')
      .join(", ")}`,
    `  policy: ${policyText(environment, image, settings)}`,
    ...(await signatureLines(environment, image, settings)),
  ];
}

/** Where signatures are read, written and looked for, each with the entry of registries.d that says so. */
async function signatureLines(
  environment: Environment,
  { docker, policyIdentity, policyNamespaces }: ImageReference,
  { registriesDirectory }: PolicySettings,
): Promise<readonly string[]> {
  if (!docker) return [];
  try {
    const config = await loadRegistriesD(environment, registriesDirectory);
    const places = signaturePlaces(config, [policyIdentity, ...policyNamespaces]);
    const read = places.read ?? { value: `file://${defaultLookasideFolder(environment)}` };
    const written = places.write?.value === places.read?.value ? undefined : places.write;
    const line = (what: string, place: { readonly value: string }) =>
      `  ${what}: ${withoutPassword(place.value)}/${docker.path}@ALGORITHM=DIGEST/signature-N${entryOf(place)}`;
    return [
      line("look-aside", read),
      ...(written ? [line("look-aside to write to", written)] : []),
      ...places.more.map((place) => line("look-aside besides", place)),
      ...(places.attachments
        ? [`  sigstore attachments: ${places.attachments.value}${entryOf(places.attachments)}`]
        : []),
    ];
  } catch (error) {
    if (error instanceof KnownError) return [`  look-aside: ${error.message}`];
    throw error;
  }
}

function entryOf(place: object): string {
  if (!("scope" in place && "file" in place)) return "";
  const entry = place.scope === "" ? "default-docker" : `scope "${place.scope}"`;
  return ` (${entry} in ${place.file})`;
}

function policyText(
  environment: Environment,
  image: ImageReference,
  { insecurePolicy, policyPath }: PolicySettings,
): string {
  if (insecurePolicy) return "insecureAcceptAnything (--insecure-policy)";
  try {
    const { path: file, bytes } = loadPolicyFile(environment, policyPath);
    const { requirements, from } = chooseRequirements(parsePolicy(bytes, file), image);
    return `${requirements.map(({ type }) => type).join(", ")} (${from} in ${file})`;
  } catch (error) {
    if (error instanceof KnownError) return error.message;
    throw error;
  }
}
