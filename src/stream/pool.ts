/**
 * Runs `work` on every item, at most `limit` at once, started in the items' order.
 *
 * The first failure aborts the signal that the others were given, and is thrown once they have all ended.
 */
export async function pool<T>(
  items: Iterable<T>,
  limit: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const iterator = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const lane = async () => {
    try {
      for (let next = iterator.next(); !next.done && !either.aborted; next = iterator.next()) {
        await work(next.value, either);
      }
    } catch (error) {
      failure ??= { error };
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, limit) }, lane));
  if (failure) throw failure.error;
  signal.throwIfAborted();
}
