/**
 * What the engines of node:zlib are made of: the handle does its work at once, on the thread that asks. Their streams hand it
 * to libuv's threads, and there is no public way to say otherwise for data that comes in pieces; npm's minizlib, and with it
 * npm, stands on the same members.
 */
export interface SyncEngine {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputLength: number,
      output: Uint8Array,
      outputAt: number,
      outputLength: number,
    ): void;
  };
  /** How much room the output has left, and how much of the input was not taken. */
  readonly _writeState: Uint32Array;
  readonly errored: Error | null;
  on(event: "error", listener: () => void): unknown;
  destroy(): void;
}

/** One call of an engine: input from `at` on, output from `filled` on. */
export interface EngineCall {
  readonly flush: number;
  readonly input: Buffer;
  readonly at: number;
  readonly output: Buffer;
  readonly filled: number;
}

/** How many bytes one call made, and how many of its input it left; whether it failed, `errored` says. */
export function runEngine(engine: SyncEngine, call: EngineCall): { made: number; left: number } {
  const { flush, input, at, output, filled } = call;
  const [length, room] = [input.byteLength - at, output.byteLength - filled];
  engine._handle.writeSync(flush, input, at, length, output, filled, room);
  const [roomLeft = 0, left = 0] = engine._writeState;
  return { made: room - roomLeft, left };
}
