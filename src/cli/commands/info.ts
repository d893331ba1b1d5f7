import type { ConsideredFile } from "../../config/environment.ts";
import { chooseForReading } from "../../config/load-auth-paths.ts";
import { createHelperRunner } from "../../config/load-credential-helper.ts";
import { createCredentialFinder } from "../../config/load-credentials.ts";
import { loadRegistriesConf } from "../../config/load-registries-conf.ts";
import {
  type ConfigurationReport,
  type EndpointReport,
  type ReferenceReport,
  reportConfiguration,
} from "../../config/load-report.ts";
import { createProxySelector } from "../../config/proxy.ts";
import type { DockerReference } from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import { escapeControls } from "../../core/go-quote.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import { trustLines } from "../info-image.ts";
import { storeLines } from "../info-store.ts";
import { endSettings } from "../settings.ts";

/** `info [IMAGE]`: which configuration is in force, and what it makes of an image's name. Nothing is contacted. */
export async function run(context: CommandContext): Promise<void> {
  const { args, terminal } = context;
  if (args.length > 1) throw new UsageError("usage.bad-flag", "At most one argument expected");
  const reference = await resolved(context);
  const report = await lookUp(context, reference?.docker);
  const { environment } = await context.parts();
  const trust = (image: ImageReference) => trustLines(environment, image, context.settings);
  const lines = [
    ...configurationLines(report),
    ...(await storeLines(environment)),
    ...(reference ? imageLines(reference, report, await trust(reference)) : []),
  ];
  await terminal.out(`${lines.map(escapeControls).join("\n")}\n`);
}

async function resolved(context: CommandContext): Promise<ImageReference | undefined> {
  const { args, flags, globals, signal } = context;
  const [name] = args;
  if (name === undefined) return undefined;
  const parts = await context.parts();
  const end = await parts.end(endSettings(flags, globals, ""));
  const { reference } = await withPrefix(`Invalid image name ${name}`, () =>
    end.resolve(name, "source", { signal }),
  );
  return reference;
}

async function lookUp(
  context: CommandContext,
  reference: DockerReference | undefined,
): Promise<ConfigurationReport> {
  const { flags, globals, log, settings, signal } = context;
  const { environment } = await context.parts();
  const { authFile, certificateDirectory } = endSettings(flags, globals, "");
  const { registriesConf, policyPath } = settings;
  const options = registriesConf === undefined ? {} : { file: registriesConf };
  const registries = await loadRegistriesConf(environment, options);
  const choice = chooseForReading(environment, authFile);
  const findCredentials = createCredentialFinder({
    environment,
    registries: registries.conf,
    choice,
    askHelper: createHelperRunner(environment, { onDebug: (text) => log.debug(text) }),
    credsStore: true,
    onWarning: (text) => log.warning(text),
  });
  const proxyFor = createProxySelector(environment);
  return reportConfiguration(
    {
      environment,
      registries,
      choice,
      findCredentials,
      proxyFor,
      ...(policyPath !== undefined && { policyPath }),
      ...(certificateDirectory !== undefined && { certificateDirectory }),
      ...(reference && { reference }),
    },
    { signal },
  );
}

function configurationLines(report: ConfigurationReport): readonly string[] {
  const roots = report.systemRoots.map((path) => ({ path, outcome: "read" as const }));
  return [
    ...section("Registries", report.registries),
    ...section("Credentials", report.credentials),
    `  helpers: ${report.credentialHelpers.join(", ")}`,
    ...section("Trust policy", report.policy),
    ...section("Root certificates", roots),
    ...(roots.length === 0 ? ["  those that come with Node.js"] : []),
  ];
}

function section(title: string, files: readonly ConsideredFile[]): readonly string[] {
  return [`${title}:`, ...files.map((file) => `  ${fileText(file)}`)];
}

function fileText({ path, outcome, reason }: ConsideredFile): string {
  return `${path}: ${outcome}${reason === undefined ? "" : ` (${reason})`}`;
}

function imageLines(
  image: ImageReference,
  { reference }: ConfigurationReport,
  trust: readonly string[],
): readonly string[] {
  return [
    `Image ${formatImageReference(image)}:`,
    ...trust,
    ...(reference ? referenceLines(reference) : []),
  ];
}

function referenceLines({
  reference,
  prefix,
  endpoints,
  problem,
}: ReferenceReport): readonly string[] {
  return [
    `  name: ${reference}`,
    ...(prefix === undefined ? [] : [`  registries.conf prefix: ${prefix}`]),
    ...(problem === undefined ? [] : [`  problem: ${problem}`]),
    ...endpoints.flatMap(endpointLines),
  ];
}

function endpointLines(endpoint: EndpointReport, index: number): readonly string[] {
  const { reference, isMirror, insecure, refusal, credentials, certificates, proxy, problems } =
    endpoint;
  return [
    `  endpoint ${index + 1}: ${reference}${isMirror ? " (mirror)" : ""}`,
    ...(refusal === undefined ? [] : [`    refused: ${refusal}`]),
    `    TLS: ${insecure ? "not verified, and plain http where there is none" : "verified"}`,
    `    credentials: ${credentials ?? "none"}`,
    ...certificates.map((file) => `    certificates: ${fileText(file)}`),
    `    proxy: ${proxy ?? "none"}`,
    ...problems.map((problem) => `    problem: ${problem}`),
  ];
}
