import { DatabaseSync, StatementSync } from "node:sqlite";
import { Redis } from "ioredis";

/** What happens at one call of SQLite or command of Redis; those before it and after it are done as always. */
export interface StoreFault {
  /** From 0. */
  readonly at: number;
  /**
   * "fails": it is not done, and says so. "unanswered": it is done, and looks as if the connection broke. "dies": this process
   * is killed before a call of SQLite, or when Redis has done the command.
   */
  readonly how: "fails" | "unanswered" | "dies";
}

/** What is being made to fail; all is as before when it is disposed of. */
export interface FailingStore extends Disposable {
  /** False as long as the call was not reached. */
  failed(): boolean;
  /** How many there were so far. */
  calls(): number;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** From now on a call of SQLite fails, in this whole process. */
export function failSqlite({ at, how }: StoreFault): FailingStore {
  let left = at;
  return patched(
    at,
    [
      [DatabaseSync.prototype, ["exec"]],
      [StatementSync.prototype, ["run", "get", "all"]],
    ],
    (method) =>
      function (...args) {
        if (left-- !== 0) return method.apply(this, args);
        if (how === "dies") process.kill(process.pid, "SIGKILL");
        const error = new Error("disk I/O error");
        throw Object.assign(error, { code: "ERR_SQLITE_ERROR", errcode: 10 });
      },
    () => at - left,
  );
}

/** From now on a command to Redis fails, in this whole process. */
export function failRedis({ at, how }: StoreFault): FailingStore {
  let left = at;
  return patched(
    at,
    [[Redis.prototype, ["sendCommand"]]],
    (method) =>
      function (...args) {
        if (left-- !== 0) return method.apply(this, args);
        if (how === "fails") return Promise.reject(new Error("Connection is closed."));
        return Promise.resolve(method.apply(this, args)).then(() => {
          if (how === "dies") process.kill(process.pid, "SIGKILL");
          throw new Error("Connection is closed.");
        });
      },
    () => at - left,
  );
}

function patched(
  at: number,
  places: readonly (readonly [object, readonly string[]])[],
  wrap: (method: Method) => Method,
  calls: () => number,
): FailingStore {
  const originals = places.map(([prototype, names]) => {
    const before = names.map((name) => [name, Reflect.get(prototype, name) as Method] as const);
    for (const [name, method] of before) Object.assign(prototype, { [name]: wrap(method) });
    return [prototype, Object.fromEntries(before)] as const;
  });
  return {
    failed: () => calls() > at,
    calls,
    [Symbol.dispose]() {
      for (const [prototype, before] of originals) Object.assign(prototype, before);
    },
  };
}
