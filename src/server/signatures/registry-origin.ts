import type { Endpoint } from "../../config/endpoints.ts";
import type { Repository } from "../../registry/repository.ts";
import { readBundles } from "../../transport/docker/bundles.ts";
import { type RepositoryPlaces, RepositorySignatures } from "../../transport/docker/signatures.ts";
import type { SignatureOrigin } from "./origin.ts";

/**
 * What a registry has of a repository by any way that its own clients have: its API or the look-aside that registries.d
 * names, attachments, and bundles among what refers to a manifest.
 *
 * @param endpoint whose reference is the repository's name there
 */
export function registryOrigin(
  endpoint: Pick<Endpoint, "reference">,
  repository: Repository,
  places: RepositoryPlaces,
): SignatureOrigin {
  return {
    where: repository.name,
    // made anew each time: it remembers for as long as it lives what it read
    read: (manifest, call) =>
      new RepositorySignatures(endpoint, repository, places).read(manifest, call),
    readBundles: (manifest, call) => readBundles(repository, manifest, call),
  };
}
