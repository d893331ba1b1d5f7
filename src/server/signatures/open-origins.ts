import type { ServedRepository } from "../repository-name.ts";
import type { Backend } from "../v2/backend.ts";
import { backendOrigin } from "./backend-origin.ts";
import type { SignatureOrigin } from "./origin.ts";

/** All that signatures may come from. */
export interface OriginParts {
  /** Where the repositories of this server are. */
  readonly own: Backend;
  /** Of a repository with an upstream: `registryOrigin`. */
  readonly openUpstream: (repository: ServedRepository) => Promise<SignatureOrigin>;
  /** `createSources`. */
  readonly sources: (repository: ServedRepository) => readonly SignatureOrigin[];
}

/** For `createServedSignatures`: an upstream's own, or what is attached in ours; then what the configuration names. */
export function createOpenOrigins({ own, openUpstream, sources }: OriginParts) {
  return async (repository: ServedRepository): Promise<readonly SignatureOrigin[]> => {
    const first =
      repository.upstream === undefined
        ? backendOrigin(own, repository)
        : await openUpstream(repository);
    return [first, ...sources(repository)];
  };
}
