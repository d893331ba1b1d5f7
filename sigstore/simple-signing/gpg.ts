import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { cannotSign } from "./signing-options.ts";

/** How GnuPG is found and what it reads: PATH, HOME, GNUPGHOME, GPG_TTY and the like. */
export type GpgEnvironment = Readonly<Record<string, string | undefined>>;

/** One run of GnuPG. */
export interface GpgRun {
  readonly environment: GpgEnvironment;
  readonly input?: Uint8Array;
  readonly passphrase?: string | undefined;
  readonly signal?: AbortSignal;
}

/** What came of it. */
export interface GpgResult {
  readonly exitCode: number | null;
  readonly stdout: Uint8Array;
  /** Always in English. */
  readonly stderr: string;
  /** Its lines for programs, without the `[GNUPG:] ` before each. */
  readonly status: readonly string[];
}

/**
 * Runs the user's `gpg` to its end, never on the terminal: its agent asks for passphrases, unless one is given.
 *
 * @throws {SignatureError} `signature.cannot-sign` where it cannot be run; the signal's reason
 */
export async function runGpg(args: readonly string[], run: GpgRun): Promise<GpgResult> {
  run.signal?.throwIfAborted();
  const child = start(args, run);
  const [, stdout, stderr, status] = child.stdio as unknown as readonly Readable[];
  const [exitCode, ...outputs] = await Promise.all([
    endOf(child, run.signal),
    ...[stdout, stderr, status].map((one) => (one ? buffer(one) : Buffer.alloc(0))),
  ]);
  const [content = Buffer.alloc(0), errors = "", lines = ""] = outputs;
  return {
    exitCode,
    stdout: content,
    stderr: errors.toString(),
    status: [...lines.toString().matchAll(/^\[GNUPG:\] (.*)$/gm)].map((match) => match[1] ?? ""),
  };
}

function start(args: readonly string[], { environment, passphrase, input, signal }: GpgRun) {
  const unlock =
    passphrase === undefined ? [] : ["--pinentry-mode", "loopback", "--passphrase-fd", "4"];
  const child = spawn("gpg", ["--batch", "--no-tty", "--status-fd", "3", ...unlock, ...args], {
    env: { ...environment, LC_ALL: "C" },
    stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
    ...(signal && { signal }),
  });
  feed(child.stdio[0], input ?? new Uint8Array());
  feed(child.stdio[4] as Writable, Buffer.from(`${passphrase ?? ""}\n`));
  return child;
}

/** A program that ends early closes its ends first: how it ended is what counts. */
function feed(stream: Writable, bytes: Uint8Array): void {
  stream.on("error", () => undefined);
  stream.end(bytes);
}

function endOf(child: ChildProcess, signal: AbortSignal | undefined): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", (error) => {
      if (signal?.aborted) return reject(signal.reason);
      const hint = "Install GnuPG, or sign with a key file";
      reject(cannotSign(`running gpg: ${error.message}`, error, hint));
    });
  });
}
