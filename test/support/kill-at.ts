import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

// To be loaded before a program (`--import`): kills it without warning before its n-th change of the disk, n being KILL_AT. A
// program that comes to its end prints how many there were.

const killAt = Number(process.env["KILL_AT"]);
const done = { calls: 0 };
const changing = [
  "chmodSync",
  "closeSync",
  "fdatasyncSync",
  "mkdirSync",
  "openSync",
  "renameSync",
  "rmSync",
  "symlinkSync",
  "writeFileSync",
  "writeSync",
] as const;

for (const name of changing) {
  const call = fs[name] as (...args: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      if (done.calls++ === killAt) process.kill(process.pid, "SIGKILL");
      return call(...args);
    },
  });
}
syncBuiltinESMExports();
process.on("exit", () => process.stdout.write(String(done.calls)));
