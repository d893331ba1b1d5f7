import type { Socket } from "node:net";
import { never } from "./watchdog.ts";

/** The writing half of a connection: one write at a time, and an answer when the system has taken it. */
export class Outbox {
  readonly #socket: Socket;
  readonly #deadline: () => number;
  #due = never;
  #settle: ((error?: unknown) => void) | undefined;

  /** `deadline` tells until when a write that begins now must be through. */
  constructor(socket: Socket, deadline: () => number) {
    this.#socket = socket;
    this.#deadline = deadline;
  }

  /** Hands over some pieces as one. True when the system has them all; false where that failed. */
  write(pieces: readonly Uint8Array[]): Promise<boolean> {
    this.#due = this.#deadline();
    return new Promise((resolve) => {
      const settle = (error?: unknown) => {
        this.#due = never;
        this.#settle = undefined;
        resolve(!error);
      };
      this.#settle = settle;
      this.#send(pieces, settle);
    });
  }

  /** Answers who waits for a write: it came to nothing. */
  giveUp(error: unknown): void {
    this.#settle?.(error);
  }

  isLate(now: number): boolean {
    return now >= this.#due;
  }

  #send(pieces: readonly Uint8Array[], sent: (error?: unknown) => void): void {
    const last = pieces.length - 1;
    if (last > 0) this.#socket.cork();
    for (const [at, piece] of pieces.entries()) {
      this.#socket.write(piece, at === last ? sent : undefined);
    }
    if (last > 0) this.#socket.uncork();
  }
}
