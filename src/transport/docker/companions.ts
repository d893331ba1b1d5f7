import type { DockerReference } from "../../core/docker-reference.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { RepositoryAccess } from "../../registry/host.ts";
import type { Repository } from "../../registry/repository.ts";
import type { CallOptions } from "../contract/call-options.ts";
import type { CompanionPlaces, NamedPlaces } from "../contract/places.ts";
import { dockerImageReference } from "./location.ts";
import { unlessNotFound } from "./unless-not-found.ts";

/** How a repository is reached. It is listed at its own place, and by no mirror. */
export interface RepositoryParts {
  nameOf(reference: ImageReference): DockerReference;
  repository(reference: ImageReference, access: RepositoryAccess): Promise<Repository>;
  deleteTag(reference: ImageReference, call: CallOptions): Promise<void>;
}

/** The tags of a repository, and what refers to manifests in it. */
export function besideImages(parts: RepositoryParts): {
  readonly named: NamedPlaces;
  readonly companions: CompanionPlaces;
} {
  const beside = (reference: ImageReference, which: Pick<DockerReference, "tag" | "digest">) => {
    const { domain, path } = parts.nameOf(reference);
    return dockerImageReference({ domain, path, ...which });
  };
  const open = (reference: ImageReference, as: "source" | "destination") =>
    parts.repository(reference, as === "source" ? "read" : "write");
  return {
    named: {
      names: async (reference, as, call) => await tagsOf(await open(reference, as), call),
      byName: (reference, tag) => beside(reference, { tag }),
      remove: parts.deleteTag,
    },
    companions: {
      referrers: async (reference, subject, as, call) =>
        await (await open(reference, as)).readReferrers(subject, call),
      byDigest: (reference, digest) => beside(reference, { digest }),
    },
  };
}

/** A repository that nothing was pushed to so far is none. */
async function tagsOf(repository: Repository, call: CallOptions): Promise<readonly string[]> {
  return (await unlessNotFound(repository.listTags(call))) ?? [];
}
