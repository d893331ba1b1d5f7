import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { lengthOf } from "./manifests.ts";
import type { Reply } from "./reply.ts";
import { knowBlob, type RepositoryState, sendTo } from "./repository-state.ts";

/** Up to this size a blob is sent unasked where there is reason to think that it is missing. */
const cheapBytes = 4 * 1024 * 1024;

/**
 * Whether a blob about to be written is held already, with few questions: none for what is very small or may be mounted
 * (the mount answers that too); and none for what is quickly sent, where the image's tag, or the first blob asked for, was
 * missing.
 */
export async function isHeld(
  state: RepositoryState,
  blob: Descriptor,
  mountFrom: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  if (state.contents.held.has(blob.digest)) return true;
  const upTo = (bytes: number) => blob.size >= 0 && blob.size <= bytes;
  if (upTo(state.channel.limits.unaskedBytes)) return false;
  if (mountFrom.some((from) => mayMount(state, from))) return false;
  const { firstAsked, tagAbsent } = state.contents;
  if (upTo(cheapBytes) && (firstAsked ? !(await firstAsked) : tagAbsent)) return false;
  signal.throwIfAborted();
  const asked = holdsBlob(state, blob, signal);
  state.contents.firstAsked ??= asked.catch(() => true);
  return asked;
}

/** Whether mounting from a repository to this one may work: it is another, and has not failed before. */
export function mayMount(state: RepositoryState, from: string): boolean {
  const { deniedMounts, unreadable } = state.capabilities;
  if (from === state.path || unreadable.has(from)) return false;
  return !deniedMounts.has(mountPair(from, state.path));
}

/** The name of a pair of repositories in {@link Capabilities.deniedMounts}. */
export function mountPair(from: string, to: string): string {
  return `${from}\0${to}`;
}

/** Whether the repository holds a blob. A registry that will not say counts as one that does not. */
export async function holdsBlob(
  state: RepositoryState,
  blob: Descriptor,
  signal: AbortSignal,
): Promise<boolean> {
  if (state.contents.held.has(blob.digest)) return true;
  const reply = await headBlob(state, blob.digest, { tries: 3, signal });
  await reply.discard();
  const size = sizeTold(reply);
  const fits = size < 0 || blob.size < 0 || size === blob.size;
  const held = reply.status === 200 && fits;
  if (held) knowBlob(state, blob.digest);
  return held;
}

/**
 * The size of a blob: undefined where it is not there, -1 where that is not told.
 *
 * @throws {RegistryError} where the registry says neither
 */
export async function statBlob(
  state: RepositoryState,
  digest: Digest,
  signal: AbortSignal,
): Promise<number | undefined> {
  const reply = await headBlob(state, digest, { signal });
  if (!reply.ok && reply.status !== 404) throw await reply.toError("fetching blob");
  await reply.discard();
  return reply.ok ? sizeTold(reply) : undefined;
}

function headBlob(
  state: RepositoryState,
  digest: Digest,
  how: { readonly tries?: number; readonly signal: AbortSignal },
): Promise<Reply> {
  return sendTo(state, { method: "HEAD", target: `blobs/${digest}`, lane: "metadata", ...how });
}

/** -1 where it is not told. */
function sizeTold(reply: Reply): number {
  return lengthOf(reply) ?? -1;
}
