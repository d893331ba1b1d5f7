import type { Descriptor } from "../core/descriptor.ts";
import { BlobStream } from "../stream/blob-stream.ts";
import { type Download, DownloadedBytes, requestBlob } from "./downloaded-bytes.ts";
import { RegistryError } from "./errors.ts";
import type { HostBudget } from "./host-budget.ts";
import { lengthOf } from "./manifests.ts";
import { paced } from "./paced-bytes.ts";
import { foreignUrl } from "./redirects.ts";
import type { Reply } from "./reply.ts";
import type { RepositoryState } from "./repository-state.ts";

/**
 * A layer that registries may not hand out, from one of the addresses in its descriptor; see {@link openBlob}.
 *
 * @throws {RegistryError} the last address's failure; `registry.not-found` where there is no address
 */
export async function openForeignBlob(
  state: RepositoryState,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<BlobStream> {
  const { origin } = state.channel.wire;
  let failure: unknown = new RegistryError(
    "registry.not-found",
    `fetching blob: ${descriptor.digest} has no address to fetch it from`,
  );
  for (const location of descriptor.urls ?? []) {
    try {
      return await open({ state, descriptor, signal, url: foreignUrl(location, origin) });
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}

/**
 * OCI distribution-spec § Pulling blobs. The first answer is there when this returns; what breaks off later is continued
 * by Range, as long as it makes progress. A size below 0 is taken from the answer.
 *
 * @throws {RegistryError} `registry.not-found`, …; reading the stream may throw the same
 */
export async function openBlob(
  state: RepositoryState,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<BlobStream> {
  return open({ state, descriptor, signal });
}

/** Bytes of a blob as they come: nobody has checked them. Dispose of it, however far it was read. */
export interface UncheckedBytes extends AsyncDisposable {
  /** Of the whole blob. */
  readonly size: number;
  /** Once; ends where the range does, or the blob. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** What was given so far stays as it is, for whoever still reads it: its memory is not used again. */
  retainChunks(): void;
}

/** Which bytes of a blob: from `start` to before `end`, or to the blob's end. */
export interface BlobSection {
  readonly start: number;
  readonly end?: number;
}

/**
 * A blob's bytes for a reader that checks them itself, with all that has gone before them; else as {@link openBlob}.
 */
export async function openUnchecked(
  state: RepositoryState,
  descriptor: Descriptor,
  { start, end }: BlobSection,
  signal: AbortSignal,
): Promise<UncheckedBytes> {
  const free = await state.channel.wire.keepSlot("download", signal);
  const stop = new AbortController();
  const begun = { state, descriptor, signal: AbortSignal.any([signal, stop.signal]) };
  try {
    const first = await requestBlob({ ...begun, ...(end !== undefined && { end }) }, start);
    const whole = await withSize(descriptor, first, start);
    checkSize(whole, sizeToldBy(first, start));
    const target = { ...begun, descriptor: whole, end: Math.min(end ?? whole.size, whole.size) };
    const bytes = new DownloadedBytes(target, start, first);
    return {
      size: whole.size,
      bytes: paced({ [Symbol.asyncIterator]: () => bytes }, budgetOf(state), target.signal),
      retainChunks: () => bytes.retainChunks(),
      async [Symbol.asyncDispose]() {
        stop.abort(new RegistryError("registry.unreachable", "the blob was given up"));
        free();
        await bytes.return();
      },
    };
  } catch (error) {
    stop.abort(error);
    free();
    throw error;
  }
}

async function open({ state, descriptor, signal, url }: Download): Promise<BlobStream> {
  const free = await state.channel.wire.keepSlot("download", signal);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    const begun = { state, descriptor, signal: either, ...(url && { url }) };
    const first = await requestBlob(begun, 0);
    const sized = await withSize(descriptor, first);
    return streamOf({ ...begun, descriptor: sized }, first, () => {
      stop.abort(new RegistryError("registry.unreachable", "the blob was given up"));
      free();
    });
  } catch (error) {
    free();
    throw error;
  }
}

function budgetOf(state: RepositoryState): HostBudget | undefined {
  return state.channel.options.budget;
}

async function withSize(descriptor: Descriptor, reply: Reply, start = 0): Promise<Descriptor> {
  const size = descriptor.size >= 0 ? descriptor.size : sizeToldBy(reply, start);
  if (size !== undefined) return { ...descriptor, size };
  await reply[Symbol.asyncDispose]();
  throw new RegistryError(
    "registry.bad-response",
    `fetching blob: the size of ${descriptor.digest} is not told`,
  );
}

/** What is longer or shorter than it should be need not be read. */
function checkSize({ digest, size }: Descriptor, told: number | undefined): void {
  if (told === undefined || told === size) return;
  throw new RegistryError(
    "registry.bad-response",
    `fetching blob: ${digest} has ${size} bytes, and ${told} were announced`,
  );
}

/** Of the whole blob. */
function sizeToldBy(reply: Reply, start: number): number | undefined {
  const total = /\/(\d{1,15})$/.exec(reply.header("content-range")?.trim() ?? "")?.[1];
  if (reply.status === 206 && total !== undefined) return Number(total);
  const length = lengthOf(reply);
  return length !== undefined && reply.status === 206 ? start + length : length;
}

/** A stream that begins with an answer that is there already. */
function streamOf(target: Download, first: Reply, close: () => void): BlobStream {
  let opened: Reply | undefined = first;
  const bytesFrom = (from: number) => {
    const reply = opened;
    opened = undefined;
    if (from === 0) return new DownloadedBytes(target, from, reply);
    void reply?.[Symbol.asyncDispose](); // it begins at 0
    return new DownloadedBytes(target, from, undefined);
  };
  return new BlobStream(
    target.descriptor,
    (from) => {
      const bytes = { [Symbol.asyncIterator]: () => bytesFrom(from) };
      return paced(bytes, budgetOf(target.state), target.signal);
    },
    {
      reopens: true,
      release: async () => {
        close();
        await opened?.[Symbol.asyncDispose]();
      },
    },
  );
}
