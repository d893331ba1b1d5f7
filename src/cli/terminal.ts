import type { ReadStream, WriteStream } from "node:tty";
import { fileErrorText } from "../config/load-file.ts";
import { CliError } from "./errors.ts";

/** The three standard streams, and what is known of them. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  /**
   * Results. Resolves when the bytes were handed on, so that a slow reader slows us.
   *
   * @throws {CliError} `cli.unwritable`
   */
  out(data: string | Uint8Array): Promise<void>;
  /** Messages. */
  err(text: string): void;
  /** Of standard output; 80 where it does not tell. */
  columns(): number;
  /** Of standard output; 24 where it does not tell. */
  rows(): number;
}

/** The terminal of this process. Its streams take milliseconds to open, and are opened when they are used. */
export function processTerminal(): Terminal {
  const out = once(openOutput);
  const err = once(openErrors);
  return {
    get stdin() {
      return process.stdin as ReadStream;
    },
    get stdoutIsTty() {
      return out().isTTY === true;
    },
    get stderrIsTty() {
      return err().isTTY === true;
    },
    out: (data) => writeAll(out(), data),
    err: (text) => void err().write(text),
    columns: () => out().columns || 80,
    rows: () => out().rows || 24,
  };
}

function once<T>(open: () => T): () => T {
  let opened: T | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
}

/** What cannot be said on standard error is lost. */
function openErrors(): WriteStream {
  return process.stderr.on("error", nothing);
}

/** Where its reader went away, the program ends as others do: silently, by SIGPIPE. Other failures reach whoever wrote. */
function openOutput(): WriteStream {
  return process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") return;
    process.on("SIGPIPE", nothing).off("SIGPIPE", nothing); // gives the signal its default effect back
    process.kill(process.pid, "SIGPIPE");
  });
}

function nothing(): void {}

function writeAll(stream: WriteStream, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => {
      if (!error) return resolve();
      const text = fileErrorText(error, "write", "/dev/stdout");
      reject(new CliError("cli.unwritable", text, { cause: error }));
    });
  });
}
