import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

// To be loaded before a program (`--import`): kills it without warning before its n-th change of the disk, n being KILL_AT. A
// program that comes to its end prints how many there were. With KEEP_IN and KEEP_OF, the folder KEEP_OF is copied before each,
// to KEEP_IN/0, KEEP_IN/1…: what a kill at that moment would leave.

const { KILL_AT, KEEP_IN, KEEP_OF = "" } = process.env;
const done = { calls: 0 };
const changing = [
  "chmodSync",
  "chownSync",
  "closeSync",
  "fchmodSync",
  "fdatasyncSync",
  "mkdirSync",
  "openSync",
  "renameSync",
  "rmSync",
  "rmdirSync",
  "symlinkSync",
  "writeFileSync",
  "writeSync",
] as const;

for (const name of changing) {
  const call = fs[name] as (...args: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      if (done.calls === Number(KILL_AT)) process.kill(process.pid, "SIGKILL");
      if (KEEP_IN) spawnSync("cp", ["-a", KEEP_OF, `${KEEP_IN}/${done.calls}`]);
      done.calls++;
      return call(...args);
    },
  });
}
syncBuiltinESMExports();
process.on("exit", () => process.stdout.write(String(done.calls)));
