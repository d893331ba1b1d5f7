/** What {@link peek} saw, and all the bytes, those that were looked at included. */
export interface Peeked {
  /** A copy: at most as many bytes as were asked for, fewer where the content is shorter. */
  readonly head: Uint8Array;
  readonly bytes: AsyncIterableIterator<Uint8Array, void, void>;
}

/**
 * Looks at the first `count` bytes. No chunk lives on because of it: one that is long enough is handed on before another
 * is asked for, shorter ones are copied.
 */
export async function peek(source: AsyncIterable<Uint8Array>, count: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < count) {
    const next = await iterator.next();
    if (next.done) break;
    size += next.value.byteLength;
    chunks.push(size < count ? Uint8Array.from(next.value) : next.value);
  }
  return { head: firstBytes(chunks, Math.min(size, count)), bytes: replayed(chunks, iterator) };
}

function firstBytes(chunks: readonly Uint8Array[], count: number): Uint8Array {
  const head = new Uint8Array(count);
  let filled = 0;
  for (const chunk of chunks) {
    head.set(chunk.subarray(0, count - filled), filled);
    filled += Math.min(chunk.byteLength, count - filled);
  }
  return head;
}

/** Not a generator: one that was never started would not pass a `return()` on to its source. */
function replayed(
  chunks: Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncIterableIterator<Uint8Array, void, void> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const value = chunks.shift();
      return value ? { done: false, value } : rest.next();
    },
    async return() {
      chunks.length = 0;
      await rest.return?.();
      return { done: true, value: undefined };
    },
  };
}
