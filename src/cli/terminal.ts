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
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  return {
    get stdin() {
      return process.stdin as ReadStream;
    },
    stdoutIsTty: stdout.isTTY === true,
    stderrIsTty: stderr.isTTY === true,
    out: (data) => writeAll(stdout, data),
    err: (text) => void stderr.write(text),
    columns: () => stdout.columns || 80,
  };
}

function writeAll(stream: WriteStream, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => {
      if (!error) return resolve();
      const text = fileErrorText(error, "write", "/dev/stdout");
      reject(new CliError("cli.unwritable", text, { cause: error }));
    });
  });
}
