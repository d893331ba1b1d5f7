import {
  type DockerReference,
  formatDockerReference,
  repositoryName,
} from "../core/docker-reference.ts";
import { type Endpoint, endpointsFor } from "./endpoints.ts";
import type { ConsideredFile, Environment } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { type AuthFileChoice, authPathsToRead } from "./load-auth-paths.ts";
import { loadHostCertificates } from "./load-certificates.ts";
import type { FindCredentials } from "./load-credentials.ts";
import { readIfThere } from "./load-file.ts";
import { findPolicyFile } from "./load-policy-file.ts";
import type { LoadedRegistriesConf } from "./load-registries-conf.ts";
import { loadSystemRoots } from "./load-system-roots.ts";
import type { ProxyFor } from "./proxy.ts";

/** Which files were considered for what, and, for a reference, what follows from them. Never a secret. */
export interface ConfigurationReport {
  readonly registries: readonly ConsideredFile[];
  /** Tried in this order; registries.conf may name helpers instead of, or beside, the files. */
  readonly credentialHelpers: readonly string[];
  readonly credentials: readonly ConsideredFile[];
  readonly policy: readonly ConsideredFile[];
  /** Files of the root certificates trusted for every host; empty: those compiled into Node. */
  readonly systemRoots: readonly string[];
  readonly reference?: ReferenceReport;
}

/** Where a reference would be read, in the order tried. */
export interface ReferenceReport {
  readonly reference: string;
  /** The prefix of the `[[registry]]` that matches. */
  readonly prefix?: string;
  /** In the order tried. */
  readonly endpoints: readonly EndpointReport[];
  /** Why there are none. */
  readonly problem?: string;
}

/** What one endpoint would be contacted with. */
export interface EndpointReport {
  readonly reference: string;
  readonly isMirror: boolean;
  readonly insecure: boolean;
  readonly refusal?: string;
  /** Where its credentials come from; absent where it is anonymous. */
  readonly credentials?: string;
  readonly certificates: readonly ConsideredFile[];
  /** Without user and password. */
  readonly proxy?: string;
  /** What could not be looked up. */
  readonly problems: readonly string[];
}

/** What the report is made of: the very lookups that a copy would use. */
export interface ReportInput {
  readonly environment: Environment;
  readonly registries: LoadedRegistriesConf;
  readonly choice: AuthFileChoice;
  readonly findCredentials: FindCredentials;
  readonly proxyFor: ProxyFor;
  readonly policyPath?: string;
  readonly certificateDirectory?: string;
  readonly reference?: DockerReference;
}

/** Tells what configuration says, for `amphora info`. What is broken is told of, and not thrown. */
export async function reportConfiguration(
  input: ReportInput,
  options: { readonly signal: AbortSignal },
): Promise<ConfigurationReport> {
  const { environment, registries, choice, reference } = input;
  return {
    registries: registries.files,
    credentialHelpers: registries.conf.credentialHelpers,
    credentials: authPathsToRead(environment, choice, () => {}).map(({ path }) => consider(path)),
    policy: policyFiles(input),
    systemRoots: loadSystemRoots(environment).files,
    ...(reference && { reference: await reportReference(input, reference, options) }),
  };
}

function consider(path: string): ConsideredFile {
  try {
    return { path, outcome: readIfThere(path) ? "read" : "absent" };
  } catch (error) {
    return { path, outcome: "skipped", reason: textOf(error) };
  }
}

function policyFiles({ environment, policyPath }: ReportInput): readonly ConsideredFile[] {
  try {
    return findPolicyFile(environment, policyPath).files;
  } catch (error) {
    return [{ path: "policy.json", outcome: "absent", reason: textOf(error) }];
  }
}

async function reportReference(
  input: ReportInput,
  reference: DockerReference,
  options: { readonly signal: AbortSignal },
): Promise<ReferenceReport> {
  const text = formatDockerReference(reference);
  try {
    const { endpoints, entry } = endpointsFor(input.registries.conf, reference);
    const reports: EndpointReport[] = [];
    for (const endpoint of endpoints) reports.push(await reportEndpoint(input, endpoint, options));
    return { reference: text, ...(entry && { prefix: entry.prefix }), endpoints: reports };
  } catch (error) {
    return { reference: text, endpoints: [], problem: textOf(error) };
  }
}

async function reportEndpoint(
  input: ReportInput,
  endpoint: Endpoint,
  options: { readonly signal: AbortSignal },
): Promise<EndpointReport> {
  const { reference, isMirror, insecure, refusal } = endpoint;
  const { environment, certificateDirectory, findCredentials, proxyFor } = input;
  const problems: string[] = [];
  const attempt = async <T>(look: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await look();
    } catch (error) {
      problems.push(textOf(error));
      return undefined;
    }
  };
  const found = await attempt(() => findCredentials(repositoryName(reference), options));
  const own = await attempt(() =>
    loadHostCertificates(environment, reference.domain, certificateDirectory),
  );
  const proxy = await attempt(() => proxyFor(new URL(`https://${reference.domain}/`)));
  return {
    reference: formatDockerReference(reference),
    isMirror,
    insecure,
    ...(refusal && { refusal: refusal.message }),
    ...(found && { credentials: found.source }),
    certificates: own?.files ?? [],
    ...(proxy && { proxy: `${proxy.protocol}//${proxy.host}` }),
    problems,
  };
}

/** Only our own failures are told of: anything else, a call off included, passes through. */
function textOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  throw error;
}
