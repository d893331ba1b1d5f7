import { type Digest, isDigest } from "../core/digest.ts";
import { UsageError } from "../core/errors.ts";
import type { ImageReference } from "../core/image-reference.ts";
import { absolutePath } from "../core/working-folder.ts";
import { parentsOf } from "./explicit-path.ts";

/** `path[:name]`, `path:@position` or `path:@digest`: a layout's folder or archive, and which of its entries. */
export interface OciLocation {
  readonly path: string;
  readonly name?: string;
  readonly position?: number;
  /** An extension of ours. Written to, the entry gets no name. */
  readonly digest?: Digest;
}

/**
 *     location  = path [ ":" [ name | "@" position | "@" digest ] ]      the path ends at the first colon
 *     name      = component { "/" component }
 *     component = alphanums { separator alphanums }
 *     separator = "-" | "." | "_" | ":" | "@" | "+" | "--"
 */
const namePattern = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--|\/)[A-Za-z0-9]+)*$/;

/** @throws {UsageError} `usage.bad-reference` */
export function parseOciLocation(text: string): OciLocation {
  const colon = text.indexOf(":");
  if (colon === -1) return { path: text };
  const path = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (rest === "") return { path };
  if (!rest.startsWith("@")) return { path, name: rest };
  const digest = rest.slice(1);
  return isDigest(digest) ? { path, digest } : { path, position: parsePosition(rest) };
}

function parsePosition(text: string): number {
  const digits = text.slice(1);
  if (!/^[+-]?\d+$/.test(digits)) {
    throw badPosition(digits, `parsing ${JSON.stringify(digits)}: invalid syntax`);
  }
  const position = Number(digits);
  if (Math.abs(position) >= 2 ** 63) {
    throw badPosition(digits, `parsing ${JSON.stringify(digits)}: value out of range`);
  }
  if (position < 0) {
    const message = `Invalid source index @${position}: must not be negative`;
    throw new UsageError("usage.bad-reference", message);
  }
  return position + 0; // no -0
}

function badPosition(digits: string, why: string): UsageError {
  const message = `Invalid source index @${digits}: not an integer: strconv.Atoi: ${why}`;
  return new UsageError("usage.bad-reference", message);
}

/**
 * The reference of a location whose real path is known.
 *
 * @throws {UsageError} `usage.bad-reference` for a bad name
 */
export function settleOciLocation(
  transport: "oci" | "oci-archive",
  location: OciLocation,
  path: string,
): ImageReference {
  if (location.name !== undefined && !namePattern.test(location.name)) {
    throw new UsageError("usage.bad-reference", `Invalid image ${location.name}`);
  }
  const settled = formatOciLocation({ ...location, path: withoutColon(path, location.path) });
  const typed = formatOciLocation(location);
  return {
    transport,
    text: settled,
    ...(typed !== settled && { typed }),
    policyIdentity: path,
    policyNamespaces: path === "/" ? [] : [path, ...parentsOf(path)],
  };
}

/** A text that {@link parseOciLocation} reads as the same; always with a colon, as skopeo prints it. */
export function formatOciLocation({ path, name, position, digest }: OciLocation): string {
  const place = position ?? digest;
  return `${path}:${place === undefined ? (name ?? "") : `@${place}`}`;
}

/** A path with a colon in it could not be read again: then one that leads there without. */
function withoutColon(path: string, typed: string): string {
  return [path, absolutePath(typed)].find((each) => !each.includes(":")) ?? typed;
}
