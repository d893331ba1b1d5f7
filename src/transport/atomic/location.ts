import { familiarReference, parseDockerReference } from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { dockerScopes } from "../../core/policy-scopes.ts";

/** An image stream's tag. */
export interface StreamName {
  readonly namespace: string;
  readonly stream: string;
  readonly tag: string;
}

/**
 * The reference in `atomic:` + text, where text is `hostname/namespace/stream:tag`: a tag of an OpenShift image stream.
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export function parseAtomicLocation(text: string): ImageReference {
  let docker: ReturnType<typeof parseDockerReference>;
  try {
    docker = parseDockerReference(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw bad(`failed to parse image reference ${JSON.stringify(text)}: ${error.message}`);
  }
  if (docker.tag === undefined || docker.digest !== undefined) {
    throw bad(`invalid image reference ${text}, expected format: 'hostname/namespace/stream:tag'`);
  }
  if (docker.path.split("/").length !== 2) {
    throw bad(
      `invalid image reference: ${familiarReference(docker)}, expected format: 'hostname/namespace/stream:tag'`,
    );
  }
  return { transport: "atomic", text: familiarReference(docker), docker, ...dockerScopes(docker) };
}

/** The parts of a reference made by {@link parseAtomicLocation}. */
export function streamNameOf({ docker, text }: ImageReference): StreamName {
  const [namespace = "", stream = ""] = docker?.path.split("/") ?? [];
  if (docker?.tag === undefined) throw bad(`atomic: image reference ${text} has no tag`);
  return { namespace, stream, tag: docker.tag };
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-reference", message);
}
