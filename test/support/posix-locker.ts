import { closeSync, constants, openSync } from "node:fs";
import koffi from "koffi";

// A program that locks a file as the Go tools do, by fcntl(2)'s older kind of lock, says so, and keeps it until its input
// ends.

const [path = "", kind] = process.argv.slice(2);
const flock = koffi.struct({
  type: "int16_t",
  whence: "int16_t",
  start: "int64_t",
  length: "int64_t",
  pid: "int32_t",
});
const lock = koffi.load(null).func("fcntl", "int", ["int", "int", koffi.pointer(flock)]);
const setAndWait = 7; // F_SETLKW
const fd = openSync(path, constants.O_RDWR | constants.O_CREAT);
const type = kind === "shared" ? 0 : 1;
if (lock(fd, setAndWait, { type, whence: 0, start: 0, length: 0, pid: 0 }) !== 0)
  throw new Error(`errno ${koffi.errno()}`);
process.stdout.write("locked\n");
process.stdin.resume().on("end", () => closeSync(fd));
