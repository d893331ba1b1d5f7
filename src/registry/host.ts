import { BoundedSet } from "../core/bounded-set.ts";
import { createBlobPlaces } from "./blob-places.ts";
import { unknownCapabilities } from "./capabilities.ts";
import { Channel } from "./channel.ts";
import { RegistryError } from "./errors.ts";
import type { RegistryHostOptions } from "./options.ts";
import { Repository } from "./repository.ts";
import type { RepositoryContents } from "./repository-state.ts";
import { repositoryScope } from "./scope.ts";

/** What will be done in a repository: the token asked for allows so much and no more. */
export type RepositoryAccess = "read" | "write" | "delete";

/** What to ask tokens for, the best first: Quay gives none for "*" or "delete". */
const actions: Readonly<Record<RepositoryAccess, readonly (readonly string[])[]>> = {
  read: [["pull"]],
  write: [["pull", "push"]],
  delete: [["*"], ["pull", "push", "delete"], ["pull", "push"]],
};

/** Of one repository, so many blobs are known to be held: a run of many images would else keep all of them in mind. */
const heldBlobs = 10_000;

/** One registry, spoken to as one user. Its gate, tokens and what was learned of it are shared by all its repositories. */
export interface RegistryHost extends AsyncDisposable {
  /** The domain of its references. */
  readonly host: string;
  repository(path: string, access: RepositoryAccess): Repository;
  /**
   * Tries the credentials at `/v2/`.
   *
   * @throws {RegistryError} `registry.unauthorized` where they are wrong
   */
  checkCredentials(options: { readonly signal: AbortSignal }): Promise<void>;
}

/** The client of one registry. One a run, host and user: what it learns is for all who talk to that host. */
export function createRegistryHost(options: RegistryHostOptions): RegistryHost {
  const channel = new Channel(options);
  const capabilities = unknownCapabilities();
  const places = options.blobPlaces ?? createBlobPlaces();
  const contents = new Map<string, RepositoryContents>();
  const contentsOf = (path: string) => {
    const known = contents.get(path) ?? {
      held: new BoundedSet(heldBlobs),
      tagAbsent: false,
      changedLists: new Map(),
    };
    contents.set(path, known);
    return known;
  };
  return {
    host: options.host,
    repository(path, access) {
      const [scopes = new Map(), ...otherScopes] = actions[access].map((choice) =>
        repositoryScope(path, choice),
      );
      return new Repository({
        channel,
        capabilities,
        path,
        name: `${options.host}/${path}`,
        scopes,
        otherScopes,
        contents: contentsOf(path),
        places,
        writtenAt: 0,
      });
    },
    async checkCredentials({ signal }) {
      const reply = await channel.send({
        method: "GET",
        target: "/v2/",
        scopes: new Map(),
        lane: "metadata",
        signal,
      });
      if (reply.status === 200) return reply.discard();
      throw await credentialsError(reply.toError(""));
    },
    async [Symbol.asyncDispose]() {
      channel.close();
    },
  };
}

/** What is said of credentials that were tried and refused. */
async function credentialsError(told: Promise<RegistryError>): Promise<RegistryError> {
  const error = await told;
  if (error.status !== 401) return error;
  return new RegistryError(
    "registry.unauthorized",
    `unable to retrieve auth token: invalid username/password: ${error.message}`,
    { status: 401, entries: error.entries },
  );
}
