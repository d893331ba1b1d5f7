import type { Endpoint } from "../../config/endpoints.ts";
import type { DockerReference } from "../../core/docker-reference.ts";
import type { RepositoryAccess } from "../../registry/host.ts";
import type { Repository } from "../../registry/repository.ts";

/** Finds registries for names: built where configuration and credentials are known. */
export interface DockerEndpoints {
  /** Where to read an image from, in order: mirrors, then the name's own place. */
  toRead(reference: DockerReference): Promise<readonly Endpoint[]>;
  /** The name's own place: for writing, tags and deletion, where no mirror counts. */
  toWrite(reference: DockerReference): Promise<Endpoint>;
  /**
   * The client for what the endpoint's reference names, one a repository and run; disposed of by whoever built these.
   *
   * @throws {ConfigError} the endpoint's `refusal`, and what is wrong with credentials or certificates
   */
  repository(endpoint: Endpoint, access: RepositoryAccess): Promise<Repository>;
}
