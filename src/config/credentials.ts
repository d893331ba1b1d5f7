import { parseDockerReference } from "../core/docker-reference.ts";
import { ConfigError } from "./errors.ts";

/** What a user signs in with at one registry. */
export type Credentials =
  | PasswordCredentials
  /** An OAuth2 refresh token, traded for bearer tokens (registry.md 2.2). */
  | { readonly identityToken: string; readonly username?: string };

/** What login stores. */
export interface PasswordCredentials {
  readonly username: string;
  readonly password: string;
}

/** Credentials and where they come from, in words: the source may be shown, the credentials never. */
export interface FoundCredentials {
  readonly credentials: Credentials;
  readonly source: string;
}

/** What credentials are filed under: `host[:port]`, or a path below it. */
export interface CredentialKey {
  readonly key: string;
  /** The key's `host[:port]`: all that helpers understand. */
  readonly registry: string;
  readonly namespaced: boolean;
}

/**
 * Checks a key as used in lookups.
 *
 * @throws {ConfigError} `config.bad-key` for URLs, tags and digests
 */
export function readCredentialKey(key: string): CredentialKey {
  if (key.startsWith("http://") || key.startsWith("https://"))
    throw badKey(`key ${key} contains http[s]:// prefix`);
  if (key.includes("@")) throw badKey(`key ${key} contains a '@' character`);
  const slash = key.indexOf("/");
  if (slash !== -1 && key.includes(":", slash))
    throw badKey(`key ${key} contains a ':' character after host[:port]`);
  return {
    key,
    registry: slash === -1 ? key : key.slice(0, slash),
    namespaced: slash !== -1,
  };
}

/**
 * What the argument of login and logout means: a host, a path below it, or a URL, of which the host counts.
 *
 * @throws {ConfigError} `config.bad-key`
 */
export function parseLoginArgument(text: string): CredentialKey {
  const url = /^https?:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(text);
  const key = url ? (url[1] ?? "") : text;
  const registry = key.split("/", 1)[0] ?? "";
  if (registry === key) return { key, registry, namespaced: false };
  const quoted = JSON.stringify(key);
  const reference = parseNamed(key, quoted);
  const name = `${reference.domain}/${reference.path}`;
  if (reference.tag !== undefined || reference.digest !== undefined) {
    const full = `${name}${reference.tag === undefined ? "" : `:${reference.tag}`}${reference.digest === undefined ? "" : `@${reference.digest}`}`;
    throw badKey(`reference ${JSON.stringify(full)} contains tag or digest`);
  }
  if (reference.domain !== registry)
    throw badKey(
      `internal error: key ${quoted} registry mismatch, ${JSON.stringify(name)} vs. ${JSON.stringify(reference.domain)}`,
    );
  return { key, registry, namespaced: true };
}

function parseNamed(key: string, quoted: string): ReturnType<typeof parseDockerReference> {
  try {
    return parseDockerReference(key);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badKey(`parse reference from ${quoted}: ${reason}`);
  }
}

/** The key and everything above it, the narrowest first: `h/a/b`, `h/a`, `h`. */
export function lookupOrder(key: string): string[] {
  const parts = key.split("/");
  return parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
}

/** Docker Hub goes by three names. */
export function normalizeRegistry(registry: string): string {
  return registry === "registry-1.docker.io" || registry === "docker.io"
    ? "index.docker.io"
    : registry;
}

/** A file's key as a registry: early docker wrote URLs, of which the host counts. */
export function normalizeFileKey(key: string, legacy: boolean): string {
  const stripped = key.replace(/^http:\/\//, "").replace(/^https:\/\//, "");
  const host = legacy || stripped !== key ? (stripped.split("/", 1)[0] ?? "") : stripped;
  return normalizeRegistry(host);
}

function badKey(message: string): ConfigError {
  return new ConfigError("config.bad-key", message);
}
