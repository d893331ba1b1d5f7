import type { BoundedSet } from "../core/bounded-set.ts";
import type { Digest } from "../core/digest.ts";
import type { BlobPlaces } from "./blob-places.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Channel, ChannelRequest } from "./channel.ts";
import { RegistryError } from "./errors.ts";
import type { ChangedList } from "./referrer-changes.ts";
import type { Reply } from "./reply.ts";
import type { Scopes } from "./scope.ts";

/** What this run learned of a repository, for all who use it. */
export interface RepositoryContents {
  /** Blobs that it is known to hold. */
  readonly held: BoundedSet<Digest>;
  /** A tag asked for was not there: so may be the whole repository. */
  tagAbsent: boolean;
  /** The outcome of the first question whether a blob is held; true where it had none. */
  firstAsked?: Promise<boolean>;
  /** Lists of referrers under fallback tags that were changed, by subject, the one used last at the end. */
  readonly changedLists: Map<Digest, ChangedList>;
}

/** One repository at one registry, as its operations see it. */
export interface RepositoryState {
  readonly channel: Channel;
  readonly capabilities: Capabilities;
  /** `library/alpine` */
  readonly path: string;
  /** `docker.io/library/alpine`, for messages. */
  readonly name: string;
  /** What tokens are asked for. */
  scopes: Scopes;
  /** What to ask for instead, in order, where that is refused. */
  readonly otherScopes: Scopes[];
  readonly contents: RepositoryContents;
  /** Of the whole registry. */
  readonly places: BlobPlaces;
  /** When something was last written, in milliseconds since the epoch; 0 never. */
  writtenAt: number;
}

/**
 * Sends a request of this repository; `target` is relative to it, as `manifests/latest`; or a path from `/` on; or a whole
 * URL.
 */
export async function sendTo(
  state: RepositoryState,
  request: Omit<ChannelRequest, "scopes"> & { readonly scopes?: Scopes },
): Promise<Reply> {
  const { target } = request;
  const whole =
    typeof target !== "string" || target.startsWith("/") ? target : `/v2/${state.path}/${target}`;
  for (;;) {
    try {
      return await state.channel.send({ scopes: state.scopes, ...request, target: whole });
    } catch (error) {
      if (request.scopes || !isRefusal(error) || !tryOtherScopes(state)) throw error;
    }
  }
}

/** Takes note that this repository holds a blob, for itself and for others that could mount it. */
export function knowBlob(state: RepositoryState, blob: Digest): void {
  const { held } = state.contents;
  if (held.has(blob)) return;
  held.add(blob);
  state.places.placed(blob, state.path);
}

/** As {@link knowBlob}, of a blob that has just been written. */
export function knowWritten(state: RepositoryState, blob: Digest): void {
  knowBlob(state, blob);
  state.writtenAt = state.channel.options.clock.now();
}

/** Takes the next scopes, where there are others. */
export function tryOtherScopes(state: RepositoryState): boolean {
  const next = state.otherScopes.shift();
  if (next) state.scopes = next;
  return next !== undefined;
}

/** Whether a registry or its token service said no to who we are, or to what we want. */
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof RegistryError &&
    (error.code === "registry.unauthorized" || error.code === "registry.denied")
  );
}

/** A body of no bytes, so that its length is sent. */
export const nothing: Uint8Array = new Uint8Array();
