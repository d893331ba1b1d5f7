import {
  type DockerReference,
  formatDockerReference,
  parseDockerReference,
} from "../src/core/docker-reference.ts";
import { escapeControls } from "../src/core/go-quote.ts";
import type { SignedIdentity } from "./policy.ts";
import { remapped } from "./signed-identity.ts";
import type { Step, StepData, StepKind, Verdict } from "./verdict.ts";

/** What to do about a refusal: one sentence in the imperative. It may name what a signature claims: escaped, not believed. */
export function adviceFor(verdict: Verdict): string {
  const requirement = stepsOf(verdict, "requirement").at(-1);
  const type = requirement?.data.type;
  switch (verdict.code) {
    case "fetch.failed":
      return "Try again when the place of the signatures can be reached";
    case "requirement.reject":
      return adviceForReject(verdict);
    case "requirement.not-implemented":
      return `Take signedBaseLayer out of ${entryOf(verdict)}: no tool implements it`;
    case "requirement.unsigned":
      return `Add a signedBy or sigstoreSigned requirement to ${entryOf(verdict)}`;
    case "requirement.not-signed":
      return adviceForUnsigned(verdict, type);
    default:
      return escapeControls(adviceForSignature(verdict));
  }
}

/** The entry of the policy that decides, and its file. */
export function entryOf(verdict: Verdict): string {
  const from = stepsOf(verdict, "scope")[0]?.message.replace(/ decides$/, "");
  return from === undefined ? fileOf(verdict) : `${from} in ${fileOf(verdict)}`;
}

/** Those steps of a verdict that are of one kind. */
export function stepsOf<K extends StepKind>({ steps }: Verdict, kind: K): readonly Step<K>[] {
  return steps.filter((step) => step.kind === kind) as readonly Step[] as readonly Step<K>[];
}

function fileOf({ policy }: Verdict): string {
  return policy?.path ?? "the policy";
}

function adviceForReject(verdict: Verdict): string {
  if (stepsOf(verdict, "scope")[0]?.data.entry === "scope") {
    return `Change ${entryOf(verdict)}, if this image is to be trusted`;
  }
  const [transport = "", name = ""] = splitImage(verdict.image);
  const repository = name.replace(/(?:@.*|:[^/:]*)$/, "") || '""';
  return `Add a scope for ${repository} to transport "${transport}" in ${fileOf(verdict)}, if this image is to be trusted`;
}

function splitImage(image: string): readonly string[] {
  const colon = image.indexOf(":");
  return [image.slice(0, colon), image.slice(colon + 1)];
}

function adviceForUnsigned(
  verdict: Verdict,
  type: StepData["requirement"]["type"] | undefined,
): string {
  const seen = stepsOf(verdict, "fetch")[0]?.data;
  if (type === "signedBy" && seen && seen.sigstore > 0) {
    return `Ask for sigstoreSigned in ${entryOf(verdict)}, or sign the image with OpenPGP: it has sigstore signatures only`;
  }
  if (type === "signedBy") {
    return "Sign the image, or name the look-aside store that has its signatures in registries.d";
  }
  if (seen && seen.simpleSigning > 0) {
    return `Ask for signedBy in ${entryOf(verdict)}, or sign the image with sigstore: it has OpenPGP signatures only`;
  }
  return "Sign the image with sigstore, and set use-sigstore-attachments for its registry in registries.d";
}

/** How far a signature got before it failed. */
const distances: Readonly<Partial<Record<StepKind, number>>> = {
  crypto: 1,
  payload: 2,
  digest: 3,
  identity: 4,
};

/** About that of the signatures that came closest. */
function adviceForSignature(verdict: Verdict): string {
  const last = stepsOf(verdict, "requirement").at(-1);
  const own = last ? verdict.steps.slice(verdict.steps.indexOf(last)) : [];
  const [closest] = own
    .filter(({ kind, ok }) => !ok && distances[kind] !== undefined)
    .sort((a, b) => (distances[b.kind] ?? 0) - (distances[a.kind] ?? 0));
  switch (closest?.kind) {
    case "identity":
      return adviceForIdentity(verdict, closest.data);
    case "digest":
      return `Copy the image that was signed, ${closest.data.claimed}, or sign this one`;
    case "payload":
      return "Sign the image anew: what was signed is no claim about an image";
    case "crypto":
      return adviceForCrypto(verdict, closest);
    default:
      return `Change ${entryOf(verdict)}, or sign the image`;
  }
}

function adviceForIdentity(
  verdict: Verdict,
  { claimed, intended, match }: StepData["identity"],
): string {
  const wanted = wantedName(match, intended);
  if (wanted !== undefined) {
    return `Sign the image as ${wanted}, or change signedIdentity in ${entryOf(verdict)}`;
  }
  if (intended === undefined) {
    return "Ask for exactReference or exactRepository as signedIdentity: images of this transport have no name that could match";
  }
  if (match.type === "remapIdentity") {
    return `Change signedPrefix in ${entryOf(verdict)}: with it ${intended} becomes no full name`;
  }
  const claim = claimed === undefined ? undefined : parsed(claimed);
  if (claim && claim.tag === undefined && claim.digest === undefined) {
    return `Ask for matchRepository as signedIdentity, as cosign signs repositories and not tags, or sign the image as ${intended}`;
  }
  return claim
    ? `Copy ${claimed}, which was signed, or sign the image as ${intended}`
    : `Sign the image as ${intended}: what the signature names is no image`;
}

/** The name that the policy wants to see signed, where that is not the image's own. */
function wantedName(match: SignedIdentity, intended: string | undefined): string | undefined {
  switch (match.type) {
    case "exactReference":
      return match.dockerReference;
    case "exactRepository":
      return `${match.dockerRepository} with any tag`;
    case "remapIdentity": {
      const own = intended === undefined ? undefined : parsed(intended);
      const moved = own && remapped(own, match);
      return moved && formatDockerReference(moved);
    }
    default:
      return undefined;
  }
}

function parsed(text: string): DockerReference | undefined {
  try {
    return parseDockerReference(text);
  } catch {
    return undefined;
  }
}

function adviceForCrypto(verdict: Verdict, { code, data }: Step<"crypto">): string {
  const about = stepsOf(verdict, "signature").find(
    (step) => step.data.signature === data.signature,
  );
  const key = about?.data.untrusted.keyId ?? "the key";
  const keys = stepsOf(verdict, "requirement").at(-1)?.data.keys?.join(", ") || "the policy";
  switch (code) {
    case "signature.unknown-key":
      return `Sign the image with a key in ${keys}, or add ${key} to them if it is to be trusted`;
    case "signature.revoked-key":
      return `Sign the image anew with another key: ${key} is revoked`;
    case "signature.expired-key":
      return `Put the renewed public key in place of ${keys}, or sign the image anew: ${key} has expired`;
    case "signature.expired":
      return "Sign the image anew: its signature has expired";
    case "signature.weak":
      return "Sign the image anew with a stronger key or digest";
    case "signature.bad-trust":
      return `Correct the keys that ${entryOf(verdict)} trusts: ${keys}`;
    case "signature.bad-certificate":
      return `Compare the signer's certificate with whom ${entryOf(verdict)} trusts`;
    case "signature.bad-log-entry":
      return `Sign the image with an upload to the transparency log that ${entryOf(verdict)} trusts`;
    case "signature.bad":
      // What sigstore signs names no key: another key and another content cannot be told apart.
      if (about?.data.untrusted.format === "sigstore")
        return `Sign the image with a key in ${keys}: this signature is by another one, or was changed`;
      return "Do not use this signature: it, or what it signs, was changed since it was made";
    default:
      return "Do not use this signature: it, or what it signs, was changed since it was made";
  }
}
