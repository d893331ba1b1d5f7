import type { Digest } from "../core/digest.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Channel, ChannelRequest } from "./channel.ts";
import type { Reply } from "./reply.ts";
import type { Scopes } from "./scope.ts";

/** One repository at one registry, as its operations see it. */
export interface RepositoryState {
  readonly channel: Channel;
  readonly capabilities: Capabilities;
  /** `library/alpine` */
  readonly path: string;
  /** `docker.io/library/alpine`, for messages. */
  readonly name: string;
  readonly scopes: Scopes;
  /** Blobs that the repository is known to hold, from this run. */
  readonly held: Set<Digest>;
  /** The outcome of the first question whether a blob is held. */
  firstAsked?: Promise<boolean>;
  /** When something was last written, in milliseconds since the epoch; 0 never. */
  writtenAt: number;
}

/** Sends a request of this repository; `target` begins after its path, as `/manifests/latest`, or is a whole URL. */
export function sendTo(
  state: RepositoryState,
  request: Omit<ChannelRequest, "scopes"> & { readonly scopes?: Scopes },
): Promise<Reply> {
  const { target } = request;
  return state.channel.send({
    scopes: state.scopes,
    ...request,
    target: typeof target === "string" ? `/v2/${state.path}${target}` : target,
  });
}

/** A body of no bytes, so that its length is sent. */
export const nothing: Uint8Array = new Uint8Array();
