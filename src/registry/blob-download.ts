import type { Descriptor } from "../core/descriptor.ts";
import { ContentError, KnownError } from "../core/errors.ts";
import { BlobStream } from "../stream/blob-stream.ts";
import { RegistryError, underCode } from "./errors.ts";
import { brokenOff, refuseEncoding } from "./fetch-document.ts";
import { lengthOf } from "./manifests.ts";
import { Pace } from "./pace.ts";
import { foreignUrl } from "./redirects.ts";
import type { Reply } from "./reply.ts";
import { type RepositoryState, sendTo } from "./repository-state.ts";
import { backoffMs, isRetryableStatus } from "./retry.ts";
import { TransferBudget } from "./transfer-budget.ts";

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

async function open({ state, descriptor, signal, url }: Download): Promise<BlobStream> {
  const free = await state.channel.wire.keepSlot("download", signal);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    const begun = { state, descriptor, signal: either, ...(url && { url }) };
    const first = await request(begun, 0);
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

async function withSize(descriptor: Descriptor, reply: Reply): Promise<Descriptor> {
  const size = descriptor.size >= 0 ? descriptor.size : lengthOf(reply);
  if (size !== undefined) return { ...descriptor, size };
  await reply[Symbol.asyncDispose]();
  throw new RegistryError(
    "registry.bad-response",
    `fetching blob: the size of ${descriptor.digest} is not told`,
  );
}

/** A stream that begins with an answer that is there already. */
function streamOf(target: Download, first: Reply, close: () => void): BlobStream {
  let opened: Reply | undefined = first;
  return new BlobStream(
    target.descriptor,
    (from) =>
      download(target, from, () => {
        const reply = opened;
        opened = undefined;
        return reply;
      }),
    {
      reopens: true,
      release: async () => {
        close();
        await opened?.[Symbol.asyncDispose]();
      },
    },
  );
}

interface Download {
  readonly state: RepositoryState;
  readonly descriptor: Descriptor;
  readonly signal: AbortSignal;
  /** Where the blob is fetched, if not from its repository. */
  readonly url?: URL;
}

async function* download(
  target: Download,
  from: number,
  takeOpened: () => Reply | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const { state, descriptor } = target;
  const { clock } = state.channel.options;
  const budget = new TransferBudget(descriptor.size);
  let offset = from;
  let reply = takeOpened();
  if (from > 0) {
    await reply?.[Symbol.asyncDispose](); // it begins at 0
    reply = undefined;
  }
  for (;;) {
    try {
      if (offset === descriptor.size && offset > 0) return;
      reply ??= await request(target, offset);
      const pace = new Pace();
      let askedAt = clock.now();
      for await (const chunk of bodyFrom(reply, offset, descriptor)) {
        if (!pace.keeps(clock.now() - askedAt, chunk.byteLength)) throw tooSlow(descriptor);
        offset += chunk.byteLength;
        yield chunk;
        askedAt = clock.now();
      }
      if (offset >= descriptor.size) return;
      throw endedEarly(descriptor, offset);
    } catch (error) {
      await reply?.[Symbol.asyncDispose](); // its slot is not kept while waiting
      await waitToResume(target, budget, offset, error, reply);
    } finally {
      await reply?.[Symbol.asyncDispose]();
      reply = undefined;
    }
  }
}

/** Waits before the next try; throws what is final. */
async function waitToResume(
  { state, descriptor, signal }: Download,
  budget: TransferBudget,
  offset: number,
  error: unknown,
  reply: Reply | undefined,
): Promise<void> {
  signal.throwIfAborted();
  if (!(error instanceof KnownError)) throw error;
  const ours = error instanceof RegistryError || error instanceof ContentError;
  const told = ours || !reply ? error : brokenOff(error, reply);
  const askedOften = error instanceof RegistryError && isRetryableStatus(error.status ?? 0);
  if (!error.retryable || askedOften || !budget.spend(offset)) throw told;
  const { clock, random, report, host } = state.channel.options;
  report({
    host,
    type: "resuming",
    side: "download",
    digest: descriptor.digest,
    offset,
    reason: told.message,
  });
  if (budget.failures > 1) await clock.sleep(backoffMs(budget.failures - 1, random), signal);
}

/** Always asks the registry, never where it led before: that address may have expired. */
async function request({ state, descriptor, signal, url }: Download, from: number): Promise<Reply> {
  const common = {
    method: "GET",
    ...(from > 0 && { headers: { range: `bytes=${from}-` } }),
    lane: "download",
    hasSlot: true,
    signal,
  } as const;
  const reply = url
    ? await state.channel.sendAbroad({ ...common, target: url })
    : await sendTo(state, { ...common, target: `blobs/${descriptor.digest}` });
  if (reply.status === 200 || reply.status === 206) return reply;
  const { redirected, status } = reply;
  const error = await reply.toError("fetching blob");
  if (!redirected || (status !== 401 && status !== 403 && status !== 400)) throw error;
  throw underCode(error, error.code, true); // an address signed for a while only
}

/** The body from `offset` on, whatever part of the blob the answer holds. */
function bodyFrom(reply: Reply, offset: number, descriptor: Descriptor): AsyncIterable<Uint8Array> {
  refuseEncoding(reply);
  const surplus = offset - startOf(reply, offset, descriptor);
  return surplus === 0 ? reply.body : withoutFirst(reply.body, surplus);
}

async function* withoutFirst(
  bytes: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array, void, void> {
  let surplus = count;
  for await (const chunk of bytes) {
    if (surplus < chunk.byteLength) yield chunk.subarray(surplus);
    surplus = Math.max(0, surplus - chunk.byteLength);
  }
}

/** Where a body starts: at 0 where the server ignored the range. */
function startOf(reply: Reply, asked: number, descriptor: Descriptor): number {
  if (reply.status === 200) return 0;
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(
    reply.header("content-range")?.trim() ?? "",
  );
  const start = Number(match?.[1]);
  const total = match?.[3];
  if (!match || start > asked || (total !== "*" && Number(total) !== descriptor.size)) {
    throw new RegistryError(
      "registry.bad-response",
      `fetching blob: bytes from ${asked} of ${descriptor.digest} were asked for, and others were sent`,
      { retryable: true },
    );
  }
  return start;
}

function tooSlow({ digest }: Descriptor): RegistryError {
  return new RegistryError("registry.unreachable", `blob ${digest} comes too slowly`, {
    retryable: true,
  });
}

/** Bytes that are missing though the answer was whole. */
function endedEarly({ digest, size }: Descriptor, offset: number): ContentError {
  return new ContentError(
    "content.size-mismatch",
    `Blob ${digest} ended after ${offset} of ${size} bytes`,
    { retryable: true },
  );
}
