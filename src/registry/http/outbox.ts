import type { Socket } from "node:net";
import { never } from "./watchdog.ts";

/** The writing half of a connection: one write at a time, and an answer when the system has taken it. */
export class Outbox {
  readonly #socket: Socket;
  readonly #deadline: () => number;
  #due = never;
  #resolve: ((through: boolean) => void) | undefined;
  /** One for all writes: a stream then leaves no functions behind that only a collection of the whole heap finds. */
  readonly #sent = (error?: unknown): void => this.#settle(!error);

  /** `deadline` tells until when a write that begins now must be through. */
  constructor(socket: Socket, deadline: () => number) {
    this.#socket = socket;
    this.#deadline = deadline;
  }

  /** Hands over some pieces as one. True when the system has them all; false where that failed. */
  write(pieces: readonly Uint8Array[]): Promise<boolean> {
    this.#due = this.#deadline();
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#send(pieces);
    });
  }

  /** Answers who waits for a write: it came to nothing. No other may follow. */
  giveUp(): void {
    this.#settle(false);
  }

  isLate(now: number): boolean {
    return now >= this.#due;
  }

  #settle(through: boolean): void {
    this.#due = never;
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.(through);
  }

  #send(pieces: readonly Uint8Array[]): void {
    const last = pieces.length - 1;
    if (last > 0) this.#socket.cork();
    for (let at = 0; at < last; at++) this.#socket.write(pieces[at] as Uint8Array);
    this.#socket.write(pieces[last] as Uint8Array, this.#sent);
    if (last > 0) this.#socket.uncork();
  }
}
