/** An object of type `T` of which only the members given may be touched; any other fails the test. */
export function forbid<T extends object>(allowed: Partial<T> = {}): T {
  return new Proxy(allowed as T, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name);
      // `await` asks every object whether it is a promise, and assert.equal how to print it.
      if (name === "then" || typeof name === "symbol") return undefined;
      throw new Error(`forbidden: ${String(name)} was touched`);
    },
  });
}
