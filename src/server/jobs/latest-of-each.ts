/**
 * What `changes` tells, one a key at a time: of what changes faster than it is taken the latest counts. Holds `most` keys at
 * most, and drops what has waited longest.
 */
export async function* latestOfEach<T>(
  changes: AsyncIterable<T>,
  keyOf: (change: T) => string,
  most: number,
): AsyncGenerator<T> {
  const waiting = new Map<string, T>();
  let wake: (() => void) | undefined;
  let ended: { readonly error?: unknown } | undefined;
  const gather = async () => {
    for await (const change of changes) {
      const key = keyOf(change);
      waiting.delete(key);
      waiting.set(key, change);
      const [oldest] = waiting.keys();
      if (waiting.size > most && oldest !== undefined) waiting.delete(oldest);
      wake?.();
    }
  };
  void gather().then(
    () => {
      ended = {};
      wake?.();
    },
    (error: unknown) => {
      ended = { error };
      wake?.();
    },
  );
  for (;;) {
    const [first] = waiting;
    if (first) {
      waiting.delete(first[0]);
      yield first[1];
      continue;
    }
    if (ended?.error !== undefined) throw ended.error;
    if (ended) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}
