import { posix } from "node:path";
import { isNameOrDomain, parseDockerReference } from "../core/docker-reference.ts";
import { UsageError } from "../core/errors.ts";
import { parseRepositoryPattern } from "../core/repository-pattern.ts";
import type { NameRule } from "./mirror.ts";
import { splitPlace } from "./naming.ts";

/** What `from:` names. */
export type NamedSource =
  | {
      readonly kind: "registry";
      /** As it is shown: `docker.io/library/alpine`. */
      readonly text: string;
      readonly domain: string;
      readonly repository: NameRule;
      /** A tag or digest, or both as `tag@digest`, where it names one image. */
      readonly reference?: string;
    }
  | { readonly kind: "place"; readonly text: string };

/**
 * Reads a repository, a pattern of those, an image, or a place of another transport:
 * `docker.io/library/alpine`, `quay.io/team/*`, `alpine:3.20`, `oci:/srv/images`. Docker Hub's short names are expanded.
 *
 * @throws {UsageError} @throws {RepositoryPatternError}
 */
export function parseSource(written: string): NamedSource {
  const { transport, rest } = splitPlace(written);
  if (transport !== "docker") {
    if (rest === "") throw new UsageError("usage.bad-reference", `${written} names no place`);
    return { kind: "place", text: written };
  }
  if (rest.includes("*")) return parseRepositories(rest);
  if (isBareDomain(rest)) {
    throw new UsageError(
      "usage.bad-reference",
      `expected a repository such as docker.io/library/alpine; all of a registry is ${rest}/**`,
    );
  }
  const { domain, path, tag, digest } = parseDockerReference(rest);
  const reference = digest && tag !== undefined ? `${tag}@${digest}` : (digest ?? tag);
  return {
    kind: "registry",
    text: `${domain}/${path}`,
    domain,
    repository: { kind: "literal", name: path },
    ...(reference !== undefined && { reference }),
  };
}

function parseRepositories(text: string): NamedSource {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const isDomain = /[.:]/.test(first) || first === "localhost";
  const domain = isDomain ? first : "docker.io";
  const pattern = isDomain ? text.slice(slash + 1) : text;
  if (!isNameOrDomain(domain)) parseDockerReference(`${domain}/x`);
  parseRepositoryPattern(pattern);
  return {
    kind: "registry",
    text: `${domain}/${pattern}`,
    domain,
    repository: { kind: "glob", pattern },
  };
}

/** Nobody's repository on Docker Hub is called like a host. */
function isBareDomain(text: string): boolean {
  const [name = ""] = text.split(/[:@]/, 1);
  return !text.includes("/") && (name.includes(".") || name === "localhost");
}

/** A name or a glob of repositories within one registry. @throws {RepositoryPatternError} @throws {UsageError} */
export function repositoryRule(domain: string, text: string): NameRule {
  if (text.includes("*")) {
    parseRepositoryPattern(text);
    return { kind: "glob", pattern: text };
  }
  const named = parseDockerReference(`${domain}/${text}`);
  if (named.tag !== undefined || named.digest !== undefined)
    throw new UsageError("usage.bad-reference", `expected a repository without a tag, not ${text}`);
  return { kind: "literal", name: named.path };
}

/** A path of a place is seen from the folder of the file that names it; a slash at its end stays. */
export function placeFrom(folder: string, written: string): string {
  const { transport, rest } = splitPlace(written);
  const isPath = ["dir", "oci", "oci-archive", "docker-archive"].includes(transport);
  if (!isPath || rest.startsWith("/") || rest.startsWith("{{")) return written;
  return `${transport}:${posix.join(folder, rest)}`;
}
