import {
  type DockerReference,
  formatDockerReference,
  parseDockerReference,
  withLatest,
} from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { absolutePath } from "../../core/working-folder.ts";

/** `path[:name[:tag]]` or `path:@position`: an archive's file, and which of its images. */
export interface ArchiveLocation {
  readonly path: string;
  /** With its tag. */
  readonly name?: DockerReference;
  readonly position?: number;
}

/**
 * The path ends at the first colon; a name without a tag means `latest`.
 *
 * @throws {UsageError} `usage.bad-reference`, in skopeo's words
 */
export function parseArchiveLocation(text: string): ArchiveLocation {
  if (text === "")
    throw bad(`docker-archive reference ${text} isn't of the form <path>[:<reference>]`);
  const colon = text.indexOf(":");
  if (colon === -1) return { path: text };
  const path = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (rest.startsWith("@")) return { path, position: parsePosition(rest.slice(1)) };
  return { path, name: parseName(rest) };
}

function parsePosition(digits: string): number {
  const cannot = (why: string) =>
    bad(`Invalid source index @${digits}: strconv.Atoi: parsing ${JSON.stringify(digits)}: ${why}`);
  if (!/^[+-]?\d+$/.test(digits)) throw cannot("invalid syntax");
  const position = Number(digits);
  if (Math.abs(position) >= 2 ** 63) throw cannot("value out of range");
  if (position < 0) throw bad(`Invalid source index @${position}: must not be negative`);
  return position + 0; // no -0
}

function parseName(text: string): DockerReference {
  let name: DockerReference;
  try {
    name = withLatest(parseDockerReference(text));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw bad(`docker-archive parsing reference: ${error.message}`);
  }
  const full = formatDockerReference(name);
  if (name.tag === undefined) throw bad(`reference does not include a tag: ${full}`);
  if (name.digest !== undefined) {
    throw bad(`docker-archive doesn't support digest references: ${full}`);
  }
  return name;
}

/** @throws {UsageError} `usage.bad-reference` */
export function resolveArchiveLocation(text: string): ImageReference {
  const location = parseArchiveLocation(text);
  const absolute = location.path === "" ? "" : absolutePath(location.path);
  // A path with a colon in it could not be read again.
  const path = absolute.includes(":") ? location.path : absolute;
  const settled = formatArchiveLocation({ ...location, path });
  const typed = formatArchiveLocation(location);
  return {
    transport: "docker-archive",
    text: settled,
    ...(typed !== settled && { typed }),
    ...(location.name && { docker: location.name }),
    policyIdentity: "",
    policyNamespaces: [],
  };
}

/** A text that {@link parseArchiveLocation} reads as the same, with the name spelled out. */
export function formatArchiveLocation({ path, name, position }: ArchiveLocation): string {
  if (name) return `${path}:${formatDockerReference(name)}`;
  return position === undefined ? path : `${path}:@${position}`;
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-reference", message);
}
