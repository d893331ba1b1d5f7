import { type Digest, parseDigest } from "./digest.ts";
import { ContentError, UsageError } from "./errors.ts";

/** `domain/path[:tag][@digest]`, fully spelled out: Docker Hub's short names are expanded on parsing. */
export interface DockerReference {
  /** Host, with the port if one was given: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** Repository path: `library/alpine`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

// reference = name [ ":" tag ] [ "@" digest ]
// name      = [ domain "/" ] component *( "/" component )      at most 255 characters
// domain    = label *( "." label ) [ ":" 1*DIGIT ]             no IPv6 literals
// label     = ALNUM [ *( ALNUM / "-" ) ALNUM ]
// component = 1*lc *( ( "." / "_" / "__" / 1*"-" ) 1*lc )      lc = a-z 0-9
// tag       = word *127( word / "." / "-" )                    word = A-Z a-z 0-9 _
// digest    = algorithm ":" 32*hex
//
// Each pattern is linear: no separator is optional inside a repetition, as it is in the original.
const domainPattern =
  /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]+)?$/;
const pathPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

const maxNameLength = 255;
/** Longer than any reference that parses: such text is not even matched. */
const maxTextLength = 4096;

/**
 * Parses `[domain/]path[:tag][@digest]`; no tag is added where there is none (`specs` registry.md 3.1).
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export function parseDockerReference(text: string): DockerReference {
  if (/^[0-9a-f]{64}$/.test(text)) {
    throw bad(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { domain, rest } = splitDomain(text);
  const colon = rest.indexOf(":");
  const remote = colon < 0 ? rest : rest.slice(0, colon);
  if (remote.toLowerCase() !== remote) {
    throw bad("invalid reference format: repository name must be lowercase");
  }
  if (text.length > maxTextLength) throw bad("invalid reference format");
  return parseParts(domain, rest);
}

/**
 * Parses a reference that must be spelled out already: `docker.io/library/alpine:3`, not `alpine:3`.
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export function parseCanonicalReference(text: string): DockerReference {
  const reference = parseDockerReference(text);
  if (formatDockerReference(reference) !== text) throw bad("repository name must be canonical");
  return reference;
}

/** Whether `text` is a domain, or a domain and a path behind it; neither tag nor digest, nothing to be expanded. */
export function isNameOrDomain(text: string): boolean {
  const slash = text.indexOf("/");
  if (slash < 0) return domainPattern.test(text);
  return domainPattern.test(text.slice(0, slash)) && pathPattern.test(text.slice(slash + 1));
}

/** Whether `text` may be a tag. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** `domain/path[:tag][@digest]`; parsing it again gives an equal reference. */
export function formatDockerReference(reference: DockerReference): string {
  return repositoryName(reference) + formatSuffix(reference);
}

/** `domain/path`. */
export function repositoryName(reference: DockerReference): string {
  return `${reference.domain}/${reference.path}`;
}

/** As Docker shows it: without `docker.io/`, and without `library/` there. */
export function familiarReference(reference: DockerReference): string {
  return familiarName(reference) + formatSuffix(reference);
}

/** The reference itself where it has a tag or a digest, otherwise tagged `latest`. */
export function withLatest(reference: DockerReference): DockerReference {
  const named = reference.tag !== undefined || reference.digest !== undefined;
  return named ? reference : { ...reference, tag: "latest" };
}

function familiarName(reference: DockerReference): string {
  if (reference.domain !== "docker.io") return repositoryName(reference);
  const official = /^library\/([^/]+)$/.exec(reference.path);
  return official?.[1] ?? reference.path;
}

function formatSuffix({ tag, digest }: DockerReference): string {
  return (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}

function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const isDomain = slash >= 0 && (/[.:]/.test(first) || first === "localhost");
  const given = isDomain ? first : "docker.io";
  const rest = isDomain ? text.slice(slash + 1) : text;
  const domain = given === "index.docker.io" ? "docker.io" : given;
  return {
    domain,
    rest: domain === "docker.io" && !rest.includes("/") ? `library/${rest}` : rest,
  };
}

function parseParts(domain: string, rest: string): DockerReference {
  const at = rest.indexOf("@");
  const named = at < 0 ? rest : rest.slice(0, at);
  const colon = named.indexOf(":");
  const path = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  const wellFormed =
    domainPattern.test(domain) &&
    pathPattern.test(path) &&
    (tag === undefined || tagPattern.test(tag)) &&
    (digest === undefined || digestPattern.test(digest));
  if (!wellFormed) throw bad("invalid reference format");
  if (domain.length + 1 + path.length > maxNameLength) {
    throw bad("repository name must not be more than 255 characters");
  }
  return {
    domain,
    path,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest: checkedDigest(digest) }),
  };
}

function checkedDigest(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    throw error instanceof ContentError ? bad(error.message) : error;
  }
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-reference", message);
}
