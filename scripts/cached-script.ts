import { readFileSync } from "node:fs";
import { Script } from "node:vm";

/** A CommonJS file that was run, and what V8 has compiled of it. */
export interface CachedScript {
  readonly exports: Readonly<Record<string, unknown>>;
  /** True where the code cache was of another Node or other flags: everything is compiled anew. */
  readonly rejected: boolean;
  /** The code cache as of now: with every function that has been called so far. */
  codeCache(): Buffer;
}

/** Where the code cache of a script is kept. V8 asks itself for its version and flags, but not for the processor. */
export function cacheOf(file: string): string {
  return `${file}.${process.version}-${process.arch}.cache`;
}

/** What a bundle has around it: nothing is put together, and copied for it, at the start. */
export const wrapping = { before: "(function(exports,require,module){", after: "})" };

/** Runs a file of ASCII alone that is {@link wrapping|wrapped} by its code cache, where there is one that fits. */
export function runCachedScript(file: string, require: NodeJS.Require): CachedScript {
  const cachedData = readCache(cacheOf(file));
  const text = readFileSync(file, "latin1");
  const script = new Script(text, { filename: file, ...(cachedData && { cachedData }) });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, lazily(require), module);
  return {
    exports: module.exports,
    rejected: script.cachedDataRejected === true,
    codeCache: () => script.createCachedData(),
  };
}

/**
 * Loads a module of Node's when something of it is first used: crypto takes 8 ms, zlib 4, and a command needs few. A
 * default import would use it at once.
 */
function lazily(require: NodeJS.Require): LazyRequire {
  const loaded = (name: string) => {
    if (!name.startsWith("node:")) return require(name);
    let module: object | undefined;
    const load = (): object => (module ??= require(name) as object);
    return new Proxy(
      {},
      {
        get: (_, member) => Reflect.get(load(), member),
        ownKeys: () => Reflect.ownKeys(load()),
        getOwnPropertyDescriptor: (_, member) => ({
          ...Reflect.getOwnPropertyDescriptor(load(), member),
          configurable: true, // what is not in the proxy's own object has to be
        }),
      },
    );
  };
  return Object.assign(loaded, { resolve: require.resolve });
}

/** What a script here sees of `require`. */
type LazyRequire = ((name: string) => unknown) & Pick<NodeJS.Require, "resolve">;

function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // not warmed up: slower, and nothing else
  }
}
