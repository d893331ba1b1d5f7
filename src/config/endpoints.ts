import {
  type DockerReference,
  formatDockerReference,
  parseCanonicalReference,
  repositoryName,
} from "../core/docker-reference.ts";
import { ConfigError } from "./errors.ts";
import type { RegistriesConf } from "./registries-conf.ts";
import type { RegistryEntry } from "./registries-file.ts";

/** A place that may serve an image: what to ask for there, and how. */
export interface Endpoint {
  /** The physical reference: its domain is contacted, and credentials and certificates are looked up for it. */
  readonly reference: DockerReference;
  /** Any certificate is accepted, and plain http tried, unless the user said otherwise on the command line. */
  readonly insecure: boolean;
  readonly isMirror: boolean;
  /** Set where its domain is not the one that was asked for: credentials given for that one must not go here. */
  readonly elsewhere?: true;
  /** Set where the user has blocked this place: to be thrown when its turn comes, as any failure of a try. */
  readonly refusal?: ConfigError;
}

/** Where one image may be read, in the order to be tried; the first that has the manifest serves the blobs too. */
export interface Endpoints {
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  /** The `[[registry]]` that decided; absent where none matches. */
  readonly entry?: RegistryEntry;
}

/**
 * The mirrors that may serve the reference, then its own place — registry.md 3.4. For reading one image only: pushing,
 * listing and deleting go to {@link primaryEndpoint}.
 *
 * @throws {ConfigError} `config.invalid` where a rewritten reference does not parse
 */
export function endpointsFor(conf: RegistriesConf, reference: DockerReference): Endpoints {
  const entry = findRegistry(conf, repositoryName(reference));
  if (entry === undefined) return { endpoints: [primaryEndpoint(conf, reference)] };
  const pull = reference.digest === undefined ? "tag-only" : "digest-only";
  const mirrors = entry.mirrors.filter((mirror) =>
    entry.mirrorByDigestOnly
      ? pull === "digest-only"
      : mirror.pull === "all" || mirror.pull === pull,
  );
  const tries = [
    ...mirrors.map((mirror) => ({ ...mirror, isMirror: true })),
    { location: entry.location, insecure: entry.insecure, isMirror: false },
  ];
  const [first, ...others] = tries.map(({ location, insecure, isMirror }) => {
    const physical = rewrite(reference, entry.prefix, location);
    const elsewhere = physical.domain !== reference.domain;
    return { ...endpoint(conf, physical, insecure, isMirror), ...(elsewhere && { elsewhere }) };
  });
  return first === undefined
    ? { endpoints: [primaryEndpoint(conf, reference)], entry }
    : { endpoints: [first, ...others], entry };
}

/** The reference's own place, unrewritten: what pushing, listing, deleting and HEAD go to (registry.md 3.5). */
export function primaryEndpoint(conf: RegistriesConf, reference: DockerReference): Endpoint {
  const insecure = findRegistry(conf, repositoryName(reference))?.insecure ?? false;
  return endpoint(conf, reference, insecure, false);
}

/** How a host (login) or repository is to be contacted, by the entry that matches its name. */
export function settingsOf(
  conf: RegistriesConf,
  name: string,
): { readonly insecure: boolean; readonly refusal?: ConfigError } {
  const refusal = refusalOf(conf, name);
  return { insecure: findRegistry(conf, name)?.insecure ?? false, ...(refusal && { refusal }) };
}

function endpoint(
  conf: RegistriesConf,
  reference: DockerReference,
  insecure: boolean,
  isMirror: boolean,
): Endpoint {
  const refusal = refusalOf(conf, repositoryName(reference));
  return { reference, insecure, isMirror, ...(refusal && { refusal }) };
}

function refusalOf(conf: RegistriesConf, name: string): ConfigError | undefined {
  const entry = findRegistry(conf, name);
  if (!entry?.blocked) return undefined;
  return new ConfigError(
    "config.blocked",
    `registry ${entry.prefix} is blocked in ${conf.origin}`,
    { hint: `Remove "blocked = true" from the registry's entry, or name another registry` },
  );
}

/** The entry with the longest prefix that matches `host[:port][/path]`. */
export function findRegistry(conf: RegistriesConf, name: string): RegistryEntry | undefined {
  let found: RegistryEntry | undefined;
  for (const entry of conf.registries) {
    const longer = entry.prefix.length > (found?.prefix.length ?? 0);
    if (longer && matchLength(entry.prefix, name) !== undefined) found = entry;
  }
  return found;
}

/**
 * How much of the name the prefix covers; undefined where it does not match.
 *
 * Kept as the reference has it: `example.com` matches `example.com:5000` too, and of a `*.domain` only its first
 * occurrence in the name is looked at.
 */
export function matchLength(prefix: string, name: string): number | undefined {
  const end = prefix.startsWith("*.") ? subdomainEnd(prefix, name) : prefixEnd(prefix, name);
  if (end === undefined) return undefined;
  return end === name.length || ":/@".includes(name.charAt(end)) ? end : undefined;
}

function prefixEnd(prefix: string, name: string): number | undefined {
  return name.startsWith(prefix) ? prefix.length : undefined;
}

function subdomainEnd(prefix: string, name: string): number | undefined {
  const domain = prefix.slice(1);
  const start = name.indexOf(domain);
  return start === -1 || name.slice(0, start).includes("/") ? undefined : start + domain.length;
}

function rewrite(reference: DockerReference, prefix: string, location: string): DockerReference {
  if (location === "") return reference;
  const text = formatDockerReference(reference);
  const rewritten = location + text.slice(matchLength(prefix, text) ?? text.length);
  try {
    return parseCanonicalReference(rewritten);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError("config.invalid", `rewriting reference: ${reason}`, {
      cause: error,
      hint: `Check the location "${location}" of prefix "${prefix}" in registries.conf: it makes "${rewritten}" of "${text}"`,
    });
  }
}

/** One endpoint that was tried, and how it failed. */
export interface FailedTry {
  readonly reference: DockerReference;
  readonly message: string;
}

/** What to say when all endpoints failed, the primary being the last: alone it speaks for itself. */
export function failedTriesText(mirrors: readonly FailedTry[], primary: FailedTry): string {
  if (mirrors.length === 0) return primary.message;
  const extras = mirrors.map((each) => `[${describe(each)}]`).join("\n");
  return `(Mirrors also failed: ${extras}): ${describe(primary)}`;
}

function describe({ reference, message }: FailedTry): string {
  return `${formatDockerReference(reference)}: ${message}`;
}
