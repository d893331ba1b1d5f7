/** The failure that these wrappers make, told apart from every real one. */
export class InjectedFault extends Error {
  constructor(where: string) {
    super(`injected fault: ${where}`);
    this.name = "InjectedFault";
  }
}

/** How a stream goes wrong at its `nth` chunk, counted from 0. */
export type StreamFault = "fail" | "end" | "repeat" | "flip" | "hang";

/** `bytes`, going wrong at chunk `nth`; beyond its end nothing happens. */
export async function* faultyStream(
  bytes: AsyncIterable<Uint8Array>,
  nth: number,
  fault: StreamFault,
): AsyncGenerator<Uint8Array, void> {
  let index = 0;
  for await (const chunk of bytes) {
    if (index++ !== nth) {
      yield chunk;
      continue;
    }
    if (fault === "end") return;
    yield* faultyChunk(chunk, nth, fault);
  }
}

async function* faultyChunk(
  chunk: Uint8Array,
  nth: number,
  fault: Exclude<StreamFault, "end">,
): AsyncGenerator<Uint8Array, void> {
  if (fault === "fail") throw new InjectedFault(`chunk ${nth}`);
  if (fault === "hang") await new Promise(() => undefined);
  const copy = Uint8Array.from(chunk);
  if (fault === "flip") copy[0] = (copy[0] ?? 0) ^ 0xff;
  yield copy;
  if (fault === "repeat") yield Uint8Array.from(chunk);
}

/** Counts the calls of all methods of `target`, own and inherited, and lets call `nth` (from 0) throw. */
export function faultyObject<T extends object>(
  target: T,
  nth: number,
): { readonly object: T; readonly calls: () => number } {
  let calls = 0;
  const object = new Proxy(target, {
    get(real, name) {
      const member = Reflect.get(real, name, real);
      if (typeof member !== "function" || name === Symbol.asyncDispose) return member;
      return (...args: unknown[]) => {
        if (calls++ === nth) return Promise.reject(new InjectedFault(`call ${String(name)}`));
        return Reflect.apply(member, real, args);
      };
    },
  });
  return { object, calls: () => calls };
}

/**
 * Runs `attempt(n)` for n = 0, 1, 2 … until it says "through": the operation went well because it makes fewer than n
 * steps. With `sample`, only every so many n, the first few always.
 */
export async function everyStep(
  attempt: (nth: number) => Promise<"failed" | "through">,
  options: { readonly sample?: number; readonly atMost?: number } = {},
): Promise<number> {
  const { sample = 1, atMost = 10_000 } = options;
  for (let nth = 0; nth < atMost; nth += nth < 4 ? 1 : sample) {
    if ((await attempt(nth)) === "through") return nth;
  }
  throw new Error(`still failing at step ${atMost}`);
}
