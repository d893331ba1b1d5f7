import fs from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

/** Every call that changes a file or folder, or opens one. */
const changing = [
  "chmod",
  "copyFile",
  "mkdir",
  "open",
  "rename",
  "rm",
  "rmdir",
  "truncate",
  "unlink",
  "writeFile",
] as const;
const ofHandles = ["chmod", "chown", "datasync"] as const;

type AnyCall = (...args: unknown[]) => Promise<unknown>;

/** Calls on files, counted; undone when disposed of. */
export interface WatchedFiles extends Disposable {
  /** The names of the calls so far. */
  readonly calls: readonly string[];
}

/**
 * Lets `before` run ahead of each changing call on files in this process; what it throws, the call fails with. `nth`
 * counts from 0.
 */
export async function watchFiles(
  before: (nth: number, name: string, args: readonly unknown[]) => void,
): Promise<WatchedFiles> {
  const calls: string[] = [];
  const handles = await handlePrototype();
  const undo = [
    ...changing.map((name) => wrap(fs.promises, name, calls, before)),
    ...ofHandles.map((name) => wrap(handles, name, calls, before)),
    wrapWrite(calls, before),
  ];
  syncBuiltinESMExports();
  return {
    calls,
    [Symbol.dispose]() {
      for (const restore of undo) restore();
      syncBuiltinESMExports();
    },
  };
}

function wrap(
  owner: object,
  name: string,
  calls: string[],
  before: (nth: number, name: string, args: readonly unknown[]) => void,
): () => void {
  const real: AnyCall = Reflect.get(owner, name);
  const watched: AnyCall = async function (this: unknown, ...args) {
    calls.push(name);
    before(calls.length - 1, name, args);
    return await Reflect.apply(real, this, args);
  };
  Reflect.set(owner, name, watched);
  return () => Reflect.set(owner, name, real);
}

/** The one call that is answered by a function. */
function wrapWrite(
  calls: string[],
  before: (nth: number, name: string, args: readonly unknown[]) => void,
): () => void {
  const real = fs.write;
  const watched = (...args: unknown[]): void => {
    calls.push("write");
    try {
      before(calls.length - 1, "write", args);
      Reflect.apply(real, fs, args);
    } catch (error) {
      const answer = args.at(-1) as (error: unknown) => void;
      process.nextTick(answer, error);
    }
  };
  Reflect.set(fs, "write", watched);
  return () => Reflect.set(fs, "write", real);
}

async function handlePrototype(): Promise<FileHandle> {
  await using handle = await open("/dev/null");
  return Object.getPrototypeOf(handle);
}

/** The failure of a system call, as Node makes it. */
export function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected, ${syscall}`), { code, syscall });
}
