import fs from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { StatementSync } from "node:sqlite";

type Call = (...args: unknown[]) => unknown;
type Holder = Record<string, Call>;

/** What is being made to fail; all is as before when it is disposed of. */
export interface FailingDisk extends Disposable {
  /** False as long as the call was not reached. */
  failed(): boolean;
}

/** How it fails: SQLite says it in its own way. */
export type DiskFailure = "ENOSPC" | "EDQUOT" | "EIO";

const sqliteCodes: Readonly<Record<DiskFailure, number>> = { ENOSPC: 13, EDQUOT: 13, EIO: 266 };

const changingPromises = ["copyFile", "link", "mkdir", "open", "rename", "unlink", "writeFile"];
const readingPromises = ["readFile", "stat"];
const changingHandle = ["datasync", "sync", "truncate", "writeFile"];

/**
 * From now on the n-th call that changes the disk (with EIO: or reads it) fails, in this whole process: node:fs as the store
 * uses it, and node:sqlite.
 */
export async function failDisk(nth: number, failure: DiskFailure): Promise<FailingDisk> {
  const handle = await promises.open("/dev/null", "r");
  const handlePrototype = Object.getPrototypeOf(handle) as Holder;
  await handle.close();
  let left = nth;
  const fails = (needed: boolean) => needed && left-- === 0;
  const restore: (() => void)[] = [];
  const replace = (holder: object, name: string, make: (call: Call) => Call) => {
    const call = (holder as Holder)[name] as Call;
    (holder as Holder)[name] = make(call);
    restore.push(() => {
      (holder as Holder)[name] = call;
    });
  };
  const reads = failure === "EIO";
  const rejecting =
    (name: string): ((call: Call) => Call) =>
    (call) =>
      function (this: unknown, ...args) {
        const needed = name !== "open" || reads || args[1] !== "r";
        return fails(needed) ? Promise.reject(errorOf(failure, name)) : call.apply(this, args);
      };
  const throwing =
    (name: string): ((call: Call) => Call) =>
    (call) =>
      function (this: unknown, ...args) {
        if (fails(true)) throw errorOf(failure, name);
        return call.apply(this, args);
      };
  const callingBack =
    (name: string): ((call: Call) => Call) =>
    (call) =>
      function (this: unknown, ...args) {
        if (!fails(true)) return call.apply(this, args);
        const back = args.at(-1) as (error: Error) => void;
        setImmediate(() => back(errorOf(failure, name)));
        return undefined;
      };
  for (const name of [...changingPromises, ...(reads ? readingPromises : [])]) {
    replace(promises, name, rejecting(name));
  }
  for (const name of changingHandle) replace(handlePrototype, name, rejecting(name));
  for (const name of ["write", "fdatasync", ...(reads ? ["read"] : [])]) {
    replace(fs, name, callingBack(name));
  }
  for (const name of ["renameSync", "unlinkSync"]) replace(fs, name, throwing(name));
  for (const name of ["run", ...(reads ? ["get", "all"] : [])]) {
    replace(
      StatementSync.prototype,
      name,
      (call) =>
        function (this: StatementSync, ...args) {
          const undoing = /^(?:rollback|begin)/.test(this.sourceSQL);
          if (fails(!undoing)) throw sqliteError(failure);
          return call.apply(this, args);
        },
    );
  }
  syncBuiltinESMExports();
  return {
    failed: () => left < 0,
    [Symbol.dispose]() {
      for (const undo of restore) undo();
      syncBuiltinESMExports();
    },
  };
}

function errorOf(code: DiskFailure, syscall: string): Error {
  return Object.assign(new Error(`${code}: made to fail, ${syscall}`), { code, syscall });
}

function sqliteError(failure: DiskFailure): Error {
  const code = "ERR_SQLITE_ERROR";
  return Object.assign(new Error("made to fail"), { code, errcode: sqliteCodes[failure] });
}
