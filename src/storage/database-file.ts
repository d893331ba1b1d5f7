import { readFileSync } from "node:fs";
import { reading, unless } from "./errors.ts";

/** The bytes of a database file; none where there is no such file yet. */
export function readDatabaseFile(path: string): Uint8Array {
  return reading("open", path, () => {
    return unless(["ENOENT", "ENOTDIR"], () => readFileSync(path)) ?? new Uint8Array();
  });
}
