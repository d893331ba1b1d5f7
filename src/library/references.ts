import {
  type DockerReference,
  formatDockerReference,
  parseDockerReference,
} from "../core/docker-reference.ts";

/**
 * Reads `[domain/]path[:tag][@digest]`, Docker Hub's short names spelled out.
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export function parseReference(text: string): DockerReference {
  return parseDockerReference(text);
}

/** `domain/path[:tag][@digest]`, which {@link parseReference} reads back. */
export function formatReference(reference: DockerReference): string {
  return formatDockerReference(reference);
}
