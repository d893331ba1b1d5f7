import { RegistryError, underCode } from "./errors.ts";
import type { Reply } from "./reply.ts";
import type { RepositoryState } from "./repository-state.ts";
import { backoffMs, isRetryableStatus } from "./retry.ts";
import type { UploadSession } from "./upload-session.ts";

const leastPieceBytes = 1024 * 1024;

/** Sends bytes in pieces, each held in memory until the registry has it — OCI distribution-spec § Pushing a blob in chunks. */
export class PieceWriter {
  readonly #state: RepositoryState;
  readonly #session: UploadSession;
  readonly #signal: AbortSignal;
  #offset: number;
  #limit = Number.POSITIVE_INFINITY;

  constructor(state: RepositoryState, session: UploadSession, offset: number, signal: AbortSignal) {
    this.#state = state;
    this.#session = session;
    this.#offset = offset;
    this.#signal = signal;
  }

  /** Bytes that the registry holds. */
  get offset(): number {
    return this.#offset;
  }

  /** Sends all of `bytes`. */
  async write(bytes: AsyncIterable<Uint8Array>, pieceBytes: number): Promise<void> {
    const piece = Buffer.allocUnsafe(pieceBytes);
    let filled = 0;
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.byteLength; ) {
        const part = chunk.subarray(at, at + pieceBytes - filled);
        piece.set(part, filled);
        filled += part.byteLength;
        at += part.byteLength;
        if (filled === pieceBytes) {
          await this.#send(piece);
          filled = 0;
        }
      }
    }
    if (filled > 0) await this.#send(piece.subarray(0, filled));
  }

  async #send(piece: Uint8Array): Promise<void> {
    const start = this.#offset;
    const end = start + piece.byteLength;
    for (let failures = 0; this.#offset < end; ) {
      const rest = piece.subarray(this.#offset - start);
      const part = rest.subarray(0, Math.min(rest.byteLength, this.#limit));
      const outcome = await this.#append(part);
      if (outcome === undefined) {
        this.#offset += part.byteLength;
        failures = 0;
      } else {
        await this.#recover(outcome, ++failures, start, end);
      }
    }
  }

  /** Undefined where the part arrived. */
  async #append(part: Uint8Array): Promise<RegistryError | undefined> {
    const range = `${this.#offset}-${this.#offset + part.byteLength - 1}`;
    try {
      const reply = await this.#session.append(part, range, this.#signal);
      if (!reply.ok) return await this.#refusal(reply, part.byteLength);
      await reply.discard();
      return undefined;
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof RegistryError && error.retryable) return error;
      throw error;
    }
  }

  async #refusal(reply: Reply, partBytes: number): Promise<RegistryError> {
    const { status } = reply;
    const error = await reply.toError("uploading layer chunked");
    if (status === 413 && partBytes > leastPieceBytes) {
      this.#limit = Math.max(leastPieceBytes, Math.floor(partBytes / 2));
      this.#state.capabilities.pieceBytes = this.#limit;
    } else if (status !== 416 && !isRetryableStatus(status)) {
      throw underCode(error, "registry.upload-failed", status === 404); // lost, another may be begun
    }
    return error;
  }

  /** Asks how far the registry came, which may be anywhere in this piece. */
  async #recover(
    error: RegistryError,
    failures: number,
    start: number,
    end: number,
  ): Promise<void> {
    if (failures >= 6) throw error;
    const { clock, random } = this.#state.channel.options;
    if (failures > 1) await clock.sleep(backoffMs(failures - 1, random), this.#signal);
    if (error.status === 413) return;
    const held = await this.#session.status(this.#signal);
    if (held === undefined) return;
    if (held < start || held > end) throw error;
    this.#offset = held;
  }
}
