import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { KnownError } from "../../core/errors.ts";
import { CliError } from "../errors.ts";

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Public keys of the user's GnuPG keyring: the one with `keyId`, or all of them.
 *
 * @param keyId hex digits; empty bytes where the keyring has no such key
 * @throws {CliError} `cli.bad-key` where GnuPG cannot be asked
 */
export async function exportKeys(
  keyId: string | undefined,
  options: {
    readonly variables: Readonly<Record<string, string | undefined>>;
    readonly signal: AbortSignal;
  },
): Promise<Uint8Array> {
  const wanted = keyId === undefined ? [] : [`0x${keyId}`];
  const args = ["--batch", "--no-tty", "--export", "--", ...wanted];
  try {
    const { stdout } = await promisify(execFile)("gpg", args, {
      env: { ...options.variables, LC_ALL: "C" },
      signal: options.signal,
      encoding: "buffer",
      maxBuffer: MAX_BYTES,
    });
    return stdout;
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof KnownError || !(error instanceof Error)) throw error;
    throw new CliError("cli.bad-key", `Error initializing GPG: ${reasonOf(error)}`, {
      cause: error,
      hint: "Name the public keys with --public-key-file",
    });
  }
}

/** What GnuPG itself said first, if it ran. */
function reasonOf(error: Error): string {
  if ("code" in error && error.code === "ENOENT") return "gpg is not installed";
  const said = "stderr" in error ? String(error.stderr) : "";
  return (said || error.message).split("\n", 1)[0]?.replace(/^gpg: /, "") ?? "";
}
