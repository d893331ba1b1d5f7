import type { Descriptor } from "../core/descriptor.ts";
import type { BlobStream } from "../stream/blob-stream.ts";
import { holdsBlob } from "./blob-presence.ts";
import { RegistryError, underCode } from "./errors.ts";
import { checkDigest } from "./manifests.ts";
import { openUpload } from "./open-upload.ts";
import { PieceWriter } from "./piece-writer.ts";
import { isToBeRepeated } from "./redirects.ts";
import type { Reply } from "./reply.ts";
import { knowWritten, nothing, type RepositoryState } from "./repository-state.ts";
import { backoffMs, isRetryableStatus, isSlowDown } from "./retry.ts";
import { SourceTap } from "./source-tap.ts";
import { TransferBudget } from "./transfer-budget.ts";
import type { UploadSession } from "./upload-session.ts";
import { maxRedirects, tooManyRedirects } from "./wire.ts";

/** Below this an upload that broke is begun anew rather than asked how far it came. */
const worthAsking = 1024 * 1024;

/** A source that has an upload wait for so long may be why it breaks: registries and proxies cut idle uploads. */
const starvingMs = 15_000;

/** How one try at sending went wrong, where another may go right. */
interface Setback {
  readonly error: RegistryError;
  /** Whether the session may still be there. */
  readonly sessionAlive: boolean;
  /** The host's gate makes the next request wait. */
  readonly waits: boolean;
  /** The same is to be sent to where the session is now. */
  readonly moved?: true;
}

/**
 * Writes one blob whose digest is known: POST, then one PUT with all its bytes; and what it takes to get there when that
 * fails (`specs/registry.md` 4.4).
 */
export class BlobUpload {
  readonly #state: RepositoryState;
  readonly #blob: BlobStream;
  readonly #signal: AbortSignal;
  readonly #budget: TransferBudget;
  #session: UploadSession | undefined;
  /** Bytes that the session holds. */
  #offset = 0;
  #passes = 0;
  /** Whether this pass gave all bytes to be sent, so that they may have arrived whatever the answer. */
  #sentAll = false;
  #wholePut: boolean;
  /** Whether an upload broke that the source kept waiting: then pieces are gathered before they are sent. */
  #starved = false;
  #corrupted = 0;
  #refused = 0;
  /** How often in a row this session was sent elsewhere. */
  #moves = 0;

  constructor(
    state: RepositoryState,
    blob: BlobStream,
    kept: UploadSession | undefined,
    signal: AbortSignal,
  ) {
    this.#state = state;
    this.#blob = blob;
    this.#session = kept;
    this.#signal = signal;
    this.#budget = new TransferBudget(blob.descriptor.size);
    this.#wholePut = state.capabilities.wholePut;
  }

  get #descriptor(): Descriptor {
    return this.#blob.descriptor;
  }

  /**
   * @throws {RegistryError} `registry.source-failed` with the source's error as cause; `registry.upload-failed` and others
   * for the registry's side
   */
  async run(): Promise<void> {
    try {
      while (!(await this.#attempt()));
      knowWritten(this.#state, this.#descriptor.digest);
    } catch (error) {
      await this.#session?.cancel();
      this.#signal.throwIfAborted();
      throw error;
    }
  }

  /** One try. True when the blob is there. */
  async #attempt(): Promise<boolean> {
    if (!this.#session) {
      const opened = await openUpload(this.#state, {
        digest: this.#descriptor.digest,
        mountFrom: [],
        signal: this.#signal,
      });
      if (opened === "mounted") return true;
      this.#session = opened;
      this.#offset = 0;
      this.#moves = 0;
    }
    const setback = await this.#send(this.#session);
    return setback === undefined || this.#recover(this.#session, setback);
  }

  async #send(session: UploadSession): Promise<Setback | undefined> {
    const { digest, size } = this.#descriptor;
    this.#sentAll = this.#offset === size && size > 0;
    const pieceBytes = this.#pieceBytes;
    if (pieceBytes === undefined && this.#offset === 0 && this.#wholePut) {
      return this.#streamed((body) => session.finish(digest, size, body, this.#signal), true);
    }
    if (!this.#sentAll) {
      const setback =
        pieceBytes === undefined
          ? await this.#append(session)
          : await this.#sendInPieces(session, pieceBytes);
      if (setback) return setback;
      this.#offset = size;
      this.#sentAll = true;
    }
    try {
      return await this.#judge(await session.finish(digest, size, nothing, this.#signal), true);
    } catch (error) {
      return this.#asSetback(error);
    }
  }

  get #pieceBytes(): number | undefined {
    const { capabilities, channel } = this.#state;
    return capabilities.pieceBytes ?? (this.#starved ? channel.limits.chunkBytes : undefined);
  }

  #append(session: UploadSession): Promise<Setback | undefined> {
    const range = this.#offset > 0 ? `${this.#offset}-${this.#descriptor.size - 1}` : undefined;
    return this.#streamed((body) => session.append(body, range, this.#signal), false);
  }

  async #streamed(
    send: (body: { length: number; bytes: AsyncIterable<Uint8Array> }) => Promise<Reply>,
    final: boolean,
  ): Promise<Setback | undefined> {
    const from = this.#offset;
    const length = this.#descriptor.size - from;
    const tap = this.#tap(from);
    try {
      const reply = await send({ length, bytes: tap });
      this.#sentAll = tap.sent === length;
      tap.throwSourceFailure();
      if (!reply.ok) this.#starved = tap.waitedMs > starvingMs;
      return await this.#judge(reply, final);
    } catch (error) {
      this.#sentAll = tap.sent === length;
      tap.throwSourceFailure();
      this.#starved = tap.waitedMs > starvingMs;
      return this.#asSetback(error);
    }
  }

  async #sendInPieces(session: UploadSession, pieceBytes: number): Promise<Setback | undefined> {
    const tap = this.#tap(this.#offset);
    const pieces = new PieceWriter(this.#state, session, this.#offset, this.#signal);
    try {
      await pieces.write(tap, Math.max(pieceBytes, session.minPieceBytes));
      return undefined;
    } catch (error) {
      tap.throwSourceFailure();
      const { capabilities } = this.#state;
      if (capabilities.pieceBytes !== undefined || !(error instanceof RegistryError)) {
        return this.#asSetback(error);
      }
      this.#starved = false; // if it takes no pieces, the whole is tried again
      return { error, sessionAlive: false, waits: false };
    } finally {
      this.#offset = pieces.offset;
    }
  }

  #tap(from: number): SourceTap {
    return new SourceTap(this.#bytes(from), this.#state.channel.options.clock);
  }

  /** The blob's bytes from `offset` on: the first time it is read, and each time after. */
  #bytes(offset: number): AsyncIterable<Uint8Array> {
    return this.#passes++ === 0 && offset === 0
      ? this.#blob
      : { [Symbol.asyncIterator]: () => this.#blob.again(offset) };
  }

  #asSetback(error: unknown): Setback {
    this.#signal.throwIfAborted();
    if (!(error instanceof RegistryError) || !error.retryable) throw error;
    return { error, sessionAlive: true, waits: false };
  }

  /** Undefined where the answer is what was hoped for; throws where nothing else can help. */
  async #judge(reply: Reply, final: boolean): Promise<Setback | undefined> {
    const { status } = reply;
    const { digest } = this.#descriptor;
    if (reply.ok) {
      await reply.discard();
      if (final) {
        checkDigest(reply, digest, "writing blob");
        if (!this.#wholePut && this.#passes > 1) this.#state.capabilities.wholePut = false;
      }
      return undefined;
    }
    if (isToBeRepeated(reply)) return await this.#move(reply);
    if (status === 413 && this.#state.capabilities.pieceBytes === undefined) {
      this.#state.capabilities.pieceBytes = this.#state.channel.limits.chunkBytes;
      return this.#setback(reply, { sessionAlive: false });
    }
    if (isRetryableStatus(status)) return this.#setback(reply, { sessionAlive: true });
    if (status === 401 && ++this.#refused <= 2) return this.#setback(reply, { sessionAlive: true });
    return this.#judgeRefusal(reply);
  }

  /** The session goes on at another place, with what it held: nothing of this try has come there. */
  async #move(reply: Reply): Promise<Setback> {
    if (++this.#moves > maxRedirects) throw await tooManyRedirects(reply);
    this.#session?.moveTo(reply);
    const setback = await this.#setback(reply, { sessionAlive: true });
    return { ...setback, moved: true };
  }

  async #judgeRefusal(reply: Reply): Promise<Setback> {
    const { status } = reply;
    const setback = await this.#setback(reply, { sessionAlive: false });
    const { specCode } = setback.error;
    if (specCode === "DIGEST_INVALID" && ++this.#corrupted <= 1) return setback;
    const lost = specCode === "BLOB_UPLOAD_UNKNOWN" || specCode === "BLOB_UPLOAD_INVALID";
    if (lost || status === 404 || status === 416) {
      if (status === 404 && !lost) this.#wholePut = false; // Artifactory has answered so to a PUT with a body
      return setback;
    }
    throw underCode(setback.error, setback.error.code, false); // else the whole blob would be sent again, in vain
  }

  async #setback(reply: Reply, { sessionAlive }: { sessionAlive: boolean }): Promise<Setback> {
    const waits = isSlowDown(reply.status);
    const told = await reply.toError(`uploading layer to ${this.#session?.shownLocation ?? ""}`);
    const vague = told.code === "registry.bad-response" || told.code === "registry.not-found";
    const error = underCode(told, vague ? "registry.upload-failed" : told.code, true);
    return { error, sessionAlive, waits };
  }

  /** Finds out where the upload stands and prepares the next try. True when the blob turns out to be there. */
  async #recover(session: UploadSession, setback: Setback): Promise<boolean> {
    if (setback.moved) return this.#sendAgain(setback);
    const before = this.#offset;
    if (this.#sentAll && (await holdsBlob(this.#state, this.#descriptor, this.#signal)))
      return true;
    const held = setback.sessionAlive ? await this.#heldBy(session) : undefined;
    if (held === undefined) {
      await session.cancel();
      this.#session = undefined;
    }
    this.#offset = held ?? 0;
    if (!this.#budget.spend(Math.max(this.#offset, before))) throw setback.error;
    if (this.#offset < this.#descriptor.size && !this.#blob.reopens) throw setback.error;
    const { clock, random, report, host } = this.#state.channel.options;
    report({
      host,
      type: "resuming",
      side: "upload",
      digest: this.#descriptor.digest,
      offset: this.#offset,
      reason: setback.error.message,
    });
    const { failures } = this.#budget;
    if (!setback.waits && failures > 1) {
      await clock.sleep(backoffMs(failures - 1, random), this.#signal);
    }
    return false;
  }

  #sendAgain({ error }: Setback): false {
    if (this.#offset < this.#descriptor.size && !this.#blob.reopens) throw error;
    return false;
  }

  async #heldBy(session: UploadSession): Promise<number | undefined> {
    if (this.#descriptor.size < worthAsking) return undefined;
    const held = await session.status(this.#signal);
    if (held === undefined || held > this.#descriptor.size) return undefined;
    return held;
  }
}
