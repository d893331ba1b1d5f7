import type { OnReadOpts, Socket } from "node:net";
import type { HttpTimeouts } from "./contract.ts";
import { endedEarly, type HttpPhase } from "./errors.ts";
import { Inbox, type LargeBlocks } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { type Ends, hostPort, lostError, timedOut } from "./socket-error.ts";
import { never, type Watchdog, type Watched } from "./watchdog.ts";

/** What all connections of a client have in common. */
export interface WireContext {
  readonly largeBlocks: LargeBlocks;
  readonly watchdog: Watchdog;
  readonly timeouts: HttpTimeouts;
}

/** Turns an error event of a socket into what is thrown; TLS has words of its own. */
export type Explain = (error: Error, phase: HttpPhase, ends: Ends) => Error;

/**
 * One connection as bytes: read when asked, into memory that is used again; written one piece at a time, with an answer
 * when the system has taken it. A failed write leaves what the peer had sent before readable.
 */
export class Wire implements Watched {
  readonly inbox: Inbox;
  readonly socket: Socket;
  /** How far the present request has come; colours the errors. */
  phase: HttpPhase = "connect";
  /** Called when bytes arrive, the peer ends or the connection fails, while set. */
  onStir: (() => void) | undefined;
  /** Whether bytes came since this was last set to false. */
  heard = false;
  readonly #context: WireContext;
  readonly #destroySocket: (error?: Error) => Socket;
  readonly #explain: Explain;
  readonly #outbox: Outbox;
  #ends: Ends = { local: "", remote: "" };
  #lost: { readonly error: unknown } | undefined;
  #ended = false;
  #paused = false;
  #closed = false;
  #wakeReader: (() => void) | undefined;
  #readDue = never;

  constructor(
    context: WireContext,
    open: (onread: OnReadOpts) => Socket,
    explain: Explain = lostError,
  ) {
    this.#context = context;
    this.#explain = explain;
    this.inbox = new Inbox(context.largeBlocks);
    this.socket = open({
      buffer: () => this.inbox.room(),
      callback: (count) => this.#onBytes(count),
    });
    const { watchdog, timeouts } = context;
    this.#outbox = new Outbox(this.socket, () => watchdog.deadline(timeouts.writeIdleMs));
    this.#destroySocket = this.socket.destroy.bind(this.socket);
    // A stream destroys itself when a write fails, and what the peer said before it hung up would be lost with it.
    this.socket.destroy = (error) => (error ? this.#onError(error) : this.#destroySocket());
    this.socket.on("error", (error) => this.#onError(error)); // as a TLS alert is, without destroy
    this.socket.on("end", () => this.#onEnd());
    this.socket.on("close", () => this.#onEnd());
    watchdog.watch(this);
  }

  /** Why this connection is of no more use, if so. */
  get lost(): { readonly error: unknown } | undefined {
    return this.#lost;
  }

  /** Whether a request can be sent: nothing failed, ended or waiting to be read. */
  get quiet(): boolean {
    return this.#lost === undefined && !this.#ended && this.inbox.unread === 0;
  }

  /** Known once the connection was opened. */
  get ends(): Ends {
    return this.#ends;
  }

  /** Reads a socket that was opened without the `onread` it was offered. */
  readByEvents(): void {
    this.socket.on("data", (bytes: Buffer) => {
      this.inbox.adopt(bytes);
      if (!this.#onBytes(bytes.byteLength)) this.socket.pause();
    });
  }

  /** Resolves at the socket's event `connect` or `secureConnect`. */
  async opened(event: "connect" | "secureConnect"): Promise<void> {
    await new Promise<void>((resolve) => {
      this.onStir = resolve;
      this.socket.once(event, resolve);
    });
    this.onStir = undefined;
    this.#throwIfLost();
    if (this.#ended) throw endedEarly(this.phase, false);
    const { localAddress, localPort, remoteAddress, remotePort } = this.socket;
    this.#ends = {
      local: hostPort(localAddress ?? "", localPort ?? 0),
      remote: hostPort(remoteAddress ?? "", remotePort ?? 0),
    };
  }

  /** Keeps the connection open with nobody using it, nor the process alive for it. `onStir` hears of any event. */
  rest(onStir: () => void): void {
    this.onStir = onStir;
    this.socket.unref();
    this.#resumeIfHungry();
  }

  /** Puts a resting connection to use. */
  wake(): void {
    this.onStir = undefined;
    this.socket.ref();
  }

  /** What there is to read by now. Throws what the connection was lost by, once all bytes are taken. */
  look(): "bytes" | "end" | "nothing" {
    if (this.inbox.unread > 0) return "bytes";
    if (this.#ended || this.#closed) this.#throwIfLost(); // else a failed write: there may be an answer to come
    return this.#ended ? "end" : "nothing";
  }

  /** Calls `wake` once, when it is worth to {@link look} again; undefined calls nobody. */
  onChange(wake: (() => void) | undefined): void {
    this.#wakeReader = wake;
    if (wake !== undefined) this.#resumeIfHungry();
  }

  /** Waits for bytes. False where the peer ended; throws as {@link look} does. */
  async more(): Promise<boolean> {
    for (let there = this.look(); ; there = this.look()) {
      if (there !== "nothing") return there === "bytes";
      await new Promise<void>((resolve) => this.onChange(resolve));
    }
  }

  /** Lends out up to `most` of the bytes that are there. */
  take(most: number): Uint8Array {
    const chunk = this.inbox.take(most);
    this.#resumeIfHungry();
    return chunk;
  }

  skip(count: number): void {
    this.inbox.skip(count);
    this.#resumeIfHungry();
  }

  /** Fails the connection unless called again within that time; without one, waits as long as it takes. */
  expectWithin(waitMs?: number): void {
    this.#readDue = waitMs === undefined ? never : this.#context.watchdog.deadline(waitMs);
  }

  /** Sends some pieces as one. True when the system has them; false where the connection was lost instead. */
  write(pieces: readonly Uint8Array[]): Promise<boolean> {
    return this.#lost ? Promise.resolve(false) : this.#outbox.write(pieces);
  }

  /** Ends the connection at once. Who waits on it, or comes later, gets `error`. */
  kill(error: unknown): void {
    this.#lost ??= { error };
    this.inbox.drop();
    this.#close();
  }

  tick(now: number): void {
    if (this.#outbox.isLate(now)) this.kill(this.#late("write"));
    else if (now >= this.#readDue) this.kill(this.#late("read"));
  }

  #late(call: "read" | "write"): Error {
    if (this.phase === "head" && call === "read") {
      return timedOut("net/http: timeout awaiting response headers", "head");
    }
    return timedOut(
      `${call} tcp ${this.#ends.local}->${this.#ends.remote}: i/o timeout`,
      this.phase,
    );
  }

  #onBytes(count: number): boolean {
    this.heard = true;
    this.#paused = !this.inbox.filled(count);
    this.#stir();
    return !this.#paused;
  }

  #onEnd(): void {
    this.#ended = true;
    this.#stir();
  }

  #onError(error: Error): Socket {
    this.#lost ??= { error: this.#explain(error, this.phase, this.#ends) };
    const failedWrite = "syscall" in error && error.syscall === "write";
    if (failedWrite && !this.#ended && !this.socket.destroyed) this.#linger();
    else this.#close();
    return this.socket;
  }

  /** Goes on reading until the peer's end, for a moment at most. */
  #linger(): void {
    const limit = setTimeout(() => this.#close(), lingerMs).unref();
    const push = this.socket.push.bind(this.socket);
    // A stream with an error emits no "end" when it has come to it.
    this.socket.push = (bytes: unknown) => {
      if (bytes !== null) return push(bytes);
      clearTimeout(limit);
      this.#onEnd();
      return false;
    };
    this.#outbox.giveUp();
    this.#stir();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#context.watchdog.unwatch(this);
    this.#destroySocket();
    this.#outbox.giveUp();
    this.#stir();
  }

  #stir(): void {
    const { onStir } = this;
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
    // the reader may have taken the last bytes, and laid the connection to rest: these did not stir it
    if (this.onStir === onStir) onStir?.();
  }

  #resumeIfHungry(): void {
    if (!this.#paused || !this.inbox.hungry) return;
    this.#paused = false;
    this.socket.resume();
  }

  #throwIfLost(): void {
    if (this.#lost) throw this.#lost.error;
  }
}

/** How long an answer is waited for on a connection that takes no more bytes. */
const lingerMs = 500;
