import type { Descriptor } from "../core/descriptor.ts";
import { ContentError, KnownError } from "../core/errors.ts";
import { RegistryError, underCode } from "./errors.ts";
import { brokenOff, refuseEncoding } from "./fetch-document.ts";
import { Pace } from "./pace.ts";
import type { Reply } from "./reply.ts";
import { type RepositoryState, sendTo } from "./repository-state.ts";
import { backoffMs, isRetryableStatus } from "./retry.ts";
import { TransferBudget } from "./transfer-budget.ts";

/** What is fetched, and from where. */
export interface Download {
  readonly state: RepositoryState;
  readonly descriptor: Descriptor;
  readonly signal: AbortSignal;
  /** Where the blob is fetched, if not from its repository. */
  readonly url?: URL;
  /** Where the bytes wanted end, if before the blob does. */
  readonly end?: number;
}

/**
 * The bytes of a blob from `from` on, through as many answers as it takes. By hand, as `stream/verify.ts` is: a chunk that
 * comes as it should costs one promise here.
 */
export class DownloadedBytes implements AsyncIterator<Uint8Array, undefined> {
  readonly #target: Download;
  readonly #budget: TransferBudget;
  #offset: number;
  #reply: Reply | undefined;
  #body: AsyncIterator<Uint8Array, unknown> | undefined;
  #pace = new Pace();
  #askedAt = 0;
  #ended = false;

  /** `opened` is an answer that is there already, and begins with the blob's first byte. */
  constructor(target: Download, from: number, opened: Reply | undefined) {
    this.#target = target;
    this.#budget = new TransferBudget(target.descriptor.size);
    this.#offset = from;
    this.#reply = opened;
  }

  next(): Promise<Result> {
    if (!this.#body) return this.#fromNextReply();
    if (this.#offset === this.#target.end) return this.return();
    this.#askedAt = this.#now();
    return this.#body.next().then(this.#onResult, this.#onFailure);
  }

  async return(): Promise<Result> {
    await this.#close();
    return over;
  }

  /** What was given so far stays as it is. What an earlier answer gave does so anyway. */
  retainChunks(): void {
    this.#reply?.retainChunks();
  }

  get #end(): number {
    return this.#target.end ?? this.#target.descriptor.size;
  }

  #now(): number {
    return this.#target.state.channel.options.clock.now();
  }

  readonly #onResult = (result: IteratorResult<Uint8Array, unknown>): Result | Promise<Result> => {
    if (this.#ended) return over;
    if (result.done) return this.#atEndOfBody();
    const chunk = result.value;
    if (!this.#pace.keeps(this.#now() - this.#askedAt, chunk.byteLength)) {
      return this.#goOnAfter(tooSlow(this.#target.descriptor));
    }
    const left = (this.#target.end ?? Number.POSITIVE_INFINITY) - this.#offset;
    const value = chunk.byteLength > left ? chunk.subarray(0, left) : chunk;
    this.#offset += value.byteLength;
    return { done: false, value };
  };

  readonly #onFailure = (error: unknown): Result | Promise<Result> =>
    this.#ended ? over : this.#goOnAfter(error);

  #atEndOfBody(): Promise<Result> {
    const { descriptor } = this.#target;
    if (this.#offset < this.#end) {
      return this.#goOnAfter(endedEarly(descriptor, this.#offset));
    }
    return this.return();
  }

  async #fromNextReply(): Promise<Result> {
    const { descriptor } = this.#target;
    if (this.#ended || (this.#offset === this.#end && this.#offset > 0)) return this.return();
    try {
      this.#reply ??= await requestBlob(this.#target, this.#offset);
      this.#pace = new Pace();
      this.#body = bodyFrom(this.#reply, this.#offset, descriptor)[Symbol.asyncIterator]();
    } catch (error) {
      return this.#goOnAfter(error);
    }
    return this.next();
  }

  /** The next chunk of another answer, where that may help; throws where it cannot. */
  async #goOnAfter(error: unknown): Promise<Result> {
    const reply = this.#reply;
    try {
      await this.#leaveReply(); // its slot is not kept while waiting
      await waitToResume(this.#target, this.#budget, this.#offset, error, reply);
    } catch (final) {
      this.#ended = true;
      throw final;
    }
    return this.#fromNextReply();
  }

  async #close(): Promise<void> {
    this.#ended = true;
    await this.#leaveReply();
  }

  async #leaveReply(): Promise<void> {
    const reply = this.#reply;
    this.#reply = undefined;
    this.#body = undefined;
    await reply?.[Symbol.asyncDispose]();
  }
}

type Result = IteratorResult<Uint8Array, undefined>;
const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

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
export async function requestBlob(
  { state, descriptor, signal, url, end }: Download,
  from: number,
): Promise<Reply> {
  const last = end === undefined || end === descriptor.size ? "" : String(end - 1);
  const common = {
    method: "GET",
    ...((from > 0 || last !== "") && { headers: { range: `bytes=${from}-${last}` } }),
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
