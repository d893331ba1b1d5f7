import { readFile } from "../config/load-file.ts";
import { KnownError } from "../core/errors.ts";
import type { CommandContext } from "./context.ts";
import { CliError, prefixed, withPrefix } from "./errors.ts";
import { Prompt } from "./prompt.ts";

const LINE_FEED = 0x0a;

/**
 * The first line of a passphrase file, as gpg reads it: without its line feed, and with a carriage return if there is
 * one.
 *
 * @throws {ConfigError} `config.unreadable`: `open PATH: no such file or directory`, `reading passphrase file: read …`
 */
export function readPassphraseFile(path: string): Uint8Array {
  const bytes = readWhole(path);
  const end = bytes.indexOf(LINE_FEED);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function readWhole(path: string): Uint8Array {
  try {
    return readFile(path);
  } catch (error) {
    if (!(error instanceof KnownError) || error.message.startsWith("open ")) throw error;
    throw prefixed("reading passphrase file", error);
  }
}

/**
 * Asks on the terminal, without echo.
 *
 * @param key what it is for, as the user named it
 * @throws {CliError} `cli.unreadable` where standard input is no terminal, `cli.login-failed` where it is ended
 */
export async function askPassphrase(
  { terminal, signal }: Pick<CommandContext, "terminal" | "signal">,
  key: string,
): Promise<Uint8Array> {
  if (!terminal.stdin.isTTY) {
    throw new CliError(
      "cli.unreadable",
      `Cannot prompt for a passphrase for key ${key}, standard input is not a TTY`,
      { hint: "Name a file that holds it with --sign-passphrase-file or --passphrase-file" },
    );
  }
  using prompt = new Prompt(terminal, signal);
  const typed = await withPrefix(`Cannot read the passphrase for key ${key}`, () =>
    prompt.secret(`Passphrase for key ${key}: `),
  );
  return Buffer.from(typed);
}
