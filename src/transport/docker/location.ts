import {
  type DockerReference,
  familiarReference,
  formatDockerReference,
  parseDockerReference,
  repositoryName,
  withLatest,
} from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { dockerNamespaces, dockerScopes } from "../../core/policy-scopes.ts";

const unknownDigest = "@@unknown-digest@@";

/** Which references are taken. */
export interface LocationOptions {
  /** Accept `name:tag@digest`: fetched by digest, named by tag. skopeo refuses it. */
  readonly tagAndDigest: boolean;
}

/**
 * The reference in `docker:` + text, where text is `//name[:tag][@digest]` or, to push by the digest that results,
 * `//name@@unknown-digest@@` — `specs/skopeo-cli.md` 2.2.
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export function parseDockerLocation(text: string, options: LocationOptions): ImageReference {
  if (!text.startsWith("//")) {
    throw new UsageError(
      "usage.bad-reference",
      `docker: image reference ${text} does not start with //`,
      { hint: `Write docker://${text}` },
    );
  }
  if (text.endsWith(unknownDigest)) return unknownDigestReference(text);
  const parsed = parseDockerReference(text.slice(2));
  if (parsed.tag !== undefined && parsed.digest !== undefined && !options.tagAndDigest) {
    throw new UsageError(
      "usage.bad-reference",
      "Docker references with both a tag and digest are currently not supported",
    );
  }
  return dockerImageReference(withLatest(parsed));
}

function unknownDigestReference(text: string): ImageReference {
  const named = parseDockerReference(text.slice(2, -unknownDigest.length));
  if (named.tag !== undefined || named.digest !== undefined) {
    const name = `${formatDockerReference(named)}${unknownDigest}`;
    throw new UsageError(
      "usage.bad-reference",
      `docker: image reference "${name}" has unknown digest set but it contains either a tag or digest`,
    );
  }
  return {
    transport: "docker",
    text: `//${familiarReference(named)}${unknownDigest}`,
    docker: named,
    policyIdentity: "",
    policyNamespaces: dockerNamespaces(repositoryName(named), named.domain),
  };
}

/** The image reference of a tagged or digested docker reference; of one with both, the policy knows the digest. */
export function dockerImageReference(docker: DockerReference): ImageReference {
  return {
    transport: "docker",
    text: `//${familiarReference(docker)}`,
    docker,
    ...dockerScopes(docker),
  };
}

/** Whether a push goes by the digest that results, and to no tag. */
export function isUnknownDigest(reference: ImageReference): boolean {
  return reference.text.endsWith(unknownDigest);
}
