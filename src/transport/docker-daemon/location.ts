import { type Digest, parseDigest } from "../../core/digest.ts";
import {
  type DockerReference,
  familiarReference,
  parseDockerReference,
} from "../../core/docker-reference.ts";
import { ContentError, UsageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { dockerScopes } from "../../core/policy-scopes.ts";

/** An image of a daemon: by a name with a tag or a digest, or by its id, which is its config's digest. */
export type DaemonLocation = { readonly id: Digest } | { readonly name: DockerReference };

/**
 * Stricter than the daemon: no ids without `sha256:`, no beginnings of ids, and nothing that could be both.
 *
 * @throws {UsageError} `usage.bad-reference`, in skopeo's words
 */
export function parseDaemonLocation(text: string): DaemonLocation {
  const id = asDigest(text);
  if (id !== undefined) {
    if (id.startsWith("sha256:")) return { id };
    throw bad(`Invalid docker-daemon: reference ${text}: only digest algorithm sha256 accepted`);
  }
  const name = parseDockerReference(text);
  const familiar = familiarReference(name);
  const { tag, digest } = name;
  if (familiarReference({ domain: name.domain, path: name.path }) === "sha256") {
    throw bad(
      `Invalid docker-daemon: reference ${text}: The sha256 repository name is reserved for (non-shortened) digest references`,
    );
  }
  if (tag === undefined && digest === undefined) {
    throw bad(`docker-daemon: reference ${familiar} has neither a tag nor a digest`);
  }
  if (tag !== undefined && digest !== undefined) {
    throw bad("docker-daemon: references with both a tag and digest are currently not supported");
  }
  return { name };
}

function asDigest(text: string): Digest | undefined {
  try {
    return parseDigest(text);
  } catch (error) {
    if (error instanceof ContentError) return undefined;
    throw error;
  }
}

/** @throws {UsageError} `usage.bad-reference` */
export function resolveDaemonLocation(text: string): ImageReference {
  const location = parseDaemonLocation(text);
  const settled = formatDaemonLocation(location);
  if ("id" in location) {
    return { transport: "docker-daemon", text: settled, policyIdentity: "", policyNamespaces: [] };
  }
  const { name } = location;
  return { transport: "docker-daemon", text: settled, docker: name, ...dockerScopes(name) };
}

/** As the daemon is asked for it; {@link parseDaemonLocation} reads the same from it. */
export function formatDaemonLocation(location: DaemonLocation): string {
  return "id" in location ? location.id : familiarReference(location.name);
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-reference", message);
}
