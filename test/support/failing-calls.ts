import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** Calls that change a disk and may find it full. */
const changing = [
  "chmodSync",
  "fdatasyncSync",
  "mkdirSync",
  "openSync",
  "renameSync",
  "symlinkSync",
  "writeFileSync",
  "writeSync",
] as const;

/** What is being made to fail; all is as before when it is disposed of. */
export interface FailingCalls extends Disposable {
  /** False as long as the call was not reached. */
  failed(): boolean;
}

/** From now on the n-th call of node:fs that changes the disk fails, in this whole process, for lack of space. */
export function failCall(n: number): FailingCalls {
  const originals = changing.map((name) => [name, fs[name]] as const);
  let left = n;
  for (const [name, call] of originals) {
    const failing = (...args: unknown[]) => {
      if (needsSpace(name, args) && left-- === 0)
        throw noSpace(name.replace(/Sync$/, ""), String(args[0]));
      return (call as (...args: unknown[]) => unknown)(...args);
    };
    Object.assign(fs, { [name]: failing });
  }
  syncBuiltinESMExports();
  return {
    failed: () => left < 0,
    [Symbol.dispose]() {
      Object.assign(fs, Object.fromEntries(originals));
      syncBuiltinESMExports();
    },
  };
}

/** What only reads, and a new file under a name that is there, need none. */
function needsSpace(name: (typeof changing)[number], args: readonly unknown[]): boolean {
  if (name === "openSync") return args[1] !== undefined && args[1] !== "r";
  return name !== "renameSync" || !fs.existsSync(String(args[1]));
}

function noSpace(syscall: string, path: string): Error {
  const error = new Error(`ENOSPC: no space left on device, ${syscall} '${path}'`);
  return Object.assign(error, { code: "ENOSPC", errno: -28, syscall, path });
}
