import type { DockerReference } from "../../core/docker-reference.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { RegistryError } from "../../registry/errors.ts";
import type { RepositoryAccess } from "../../registry/host.ts";
import type { Repository } from "../../registry/repository.ts";
import type { CallOptions, CompanionPlaces } from "../contract.ts";
import { dockerImageReference } from "./location.ts";

/** What companions in registries are reached with. Like tags they are listed at the name's own place, and by no mirror. */
export interface DockerCompanionsParts {
  nameOf(reference: ImageReference): DockerReference;
  repository(reference: ImageReference, access: RepositoryAccess): Promise<Repository>;
}

/** Referrers and tags of the repository that a reference is of. */
export function dockerCompanions({ nameOf, repository }: DockerCompanionsParts): CompanionPlaces {
  const beside = (reference: ImageReference, which: Pick<DockerReference, "tag" | "digest">) => {
    const { domain, path } = nameOf(reference);
    return dockerImageReference({ domain, path, ...which });
  };
  const accessAs = (as: "source" | "destination") => (as === "source" ? "read" : "write");
  return {
    async referrers(reference, subject, as, call) {
      return await (await repository(reference, accessAs(as))).readReferrers(subject, call);
    },
    async names(reference, as, call) {
      return await tagsOf(await repository(reference, accessAs(as)), call);
    },
    byDigest: (reference, digest) => beside(reference, { digest }),
    byName: (reference, tag) => beside(reference, { tag }),
  };
}

/** A repository that nothing was pushed to so far is none. */
async function tagsOf(repository: Repository, call: CallOptions): Promise<readonly string[]> {
  try {
    return await repository.listTags(call);
  } catch (error) {
    if (error instanceof RegistryError && error.code === "registry.not-found") return [];
    throw error;
  }
}
