import { formatDockerReference, parseCanonicalReference } from "../../core/docker-reference.ts";
import { KnownError } from "../../core/errors.ts";

/** What an identity is made of. */
export interface NamedImage {
  readonly domain: string;
  readonly path: string;
  readonly tag: string;
}

/**
 * The docker reference that a signature claims: `template` with its `{domain}` and `{path}` filled in, and the tag.
 * Undefined where that is no reference.
 */
export function fillIdentity(
  template: string,
  { domain, path, tag }: NamedImage,
): string | undefined {
  const name = template.replace(/\{(domain|path)\}/g, (_, part) =>
    part === "path" ? path : domain,
  );
  try {
    const parsed = parseCanonicalReference(name);
    if (parsed.tag !== undefined || parsed.digest !== undefined) return undefined;
    const full = formatDockerReference({ ...parsed, tag });
    return formatDockerReference(parseCanonicalReference(full)) === full ? full : undefined;
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}
