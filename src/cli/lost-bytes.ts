import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { UsageError } from "../core/errors.ts";

/**
 * Refuses words that were not UTF-8. Node has put U+FFFD in place of what it could not read, and so a file would be
 * looked for, or made, under another name than was given.
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export function refuseLostBytes(argv: readonly string[]): void {
  const word = argv.find((each) => each.includes("\ufffd"));
  if (word === undefined || isUtf8(readCommandLineBytes())) return;
  throw new UsageError("usage.bad-reference", `"${word}" is not UTF-8 as it was given`, {
    hint: "Rename what it stands for, or make a link to it whose name is UTF-8",
  });
}

/** Empty where the system does not tell. */
function readCommandLineBytes(): Buffer {
  try {
    return readFileSync("/proc/self/cmdline");
  } catch {
    return Buffer.alloc(0);
  }
}
