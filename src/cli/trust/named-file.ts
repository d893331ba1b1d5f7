import { writeFile } from "node:fs/promises";
import { fileErrorText, readFile } from "../../config/load-file.ts";
import { KnownError } from "../../core/errors.ts";
import { CliError, prefixed } from "../errors.ts";

/** Reads a file that was named on the command line. @throws {ConfigError} with `during` before its message */
export function readNamed(path: string, during: string): Uint8Array {
  try {
    return readFile(path);
  } catch (error) {
    throw error instanceof KnownError ? prefixed(during, error) : error;
  }
}

/** Writes a file that was named on the command line. @throws {CliError} `cli.unwritable`, likewise */
export async function writeNamed(
  path: string,
  bytes: Uint8Array | string,
  options: { readonly mode: number; readonly during: string },
): Promise<void> {
  try {
    await writeFile(path, bytes, { mode: options.mode });
  } catch (error) {
    throw new CliError(
      "cli.unwritable",
      `${options.during}: ${fileErrorText(error, "open", path)}`,
      { cause: error },
    );
  }
}
