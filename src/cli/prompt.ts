import { createInterface } from "node:readline";
import { CliError } from "./errors.ts";
import type { Terminal } from "./terminal.ts";

/** All of standard input, its line ends left out. */
export async function readAllInput({ stdin }: Terminal, signal: AbortSignal): Promise<string> {
  let text = "";
  const call = () => stdin.destroy();
  signal.addEventListener("abort", call, { once: true });
  try {
    stdin.setEncoding("utf8");
    for await (const chunk of stdin) text += chunk;
  } finally {
    signal.removeEventListener("abort", call);
  }
  signal.throwIfAborted();
  return text.replace(/\r?\n/g, "");
}

/**
 * Reads lines from standard input, one after the other: those that come in one piece through a pipe are kept for later
 * calls.
 */
export class Prompt implements Disposable {
  readonly #terminal: Terminal;
  readonly #signal: AbortSignal;
  #lines: AsyncIterator<string> | undefined;
  #close: () => void = () => {};

  constructor(terminal: Terminal, signal: AbortSignal) {
    this.#terminal = terminal;
    this.#signal = signal;
  }

  /** Asks, and gives the answer without its line end. @throws {CliError} `cli.login-failed` at the end of input */
  async line(question: string): Promise<string> {
    await this.#terminal.out(question);
    const answer = await this.#read();
    if (answer === undefined) throw new CliError("cli.login-failed", "reading username: EOF");
    return answer;
  }

  /**
   * Like {@link line}, from a terminal only, and without echo. Whoever ends the input instead of answering has given
   * nothing, not even an empty word.
   */
  async secret(question: string): Promise<string> {
    const { stdin } = this.#terminal;
    await this.#terminal.out(question);
    if (!stdin.isTTY)
      throw new CliError("cli.login-failed", "reading password: inappropriate ioctl for device");
    this.#stop();
    try {
      const answer = await readHidden(stdin, this.#signal);
      if (answer === undefined) throw new CliError("cli.login-failed", "reading password: EOF");
      return answer;
    } finally {
      await this.#terminal.out("\n"); // called off too: what comes next is not the prompt's line
    }
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#terminal.stdin.pause();
  }

  async #read(): Promise<string | undefined> {
    if (!this.#lines) {
      const reader = createInterface({
        input: this.#terminal.stdin,
        crlfDelay: Number.POSITIVE_INFINITY,
        signal: this.#signal,
      });
      this.#lines = reader[Symbol.asyncIterator]();
      this.#close = () => reader.close();
    }
    const { done, value } = await this.#lines.next();
    this.#signal.throwIfAborted();
    return done ? undefined : value;
  }

  #stop(): void {
    this.#close();
    this.#lines = undefined;
  }
}

const INTERRUPT = "\x03";
const END_OF_INPUT = "\x04";
/** Enter, or the end of input. */
const END = /[\r\n\x04]/;
const ERASE = /[\b\x7f]/;
const ERASE_ALL = "\x15";

function type(typed: string, keys: string): string {
  let text = typed;
  for (const key of keys) {
    if (key === INTERRUPT) process.kill(process.pid, "SIGINT");
    else if (key === ERASE_ALL) text = "";
    else text = ERASE.test(key) ? [...text].slice(0, -1).join("") : text + key;
  }
  return text;
}

/** One line typed in raw mode, where the terminal neither echoes nor makes signals of keys; undefined at the end of input. */
function readHidden(stdin: NodeJS.ReadStream, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let typed = "";
    const stop = () => {
      stdin.off("data", take);
      signal.removeEventListener("abort", abort);
      stdin.setRawMode(false);
      stdin.pause();
    };
    const abort = () => {
      stop();
      reject(signal.reason);
    };
    const take = (chunk: string) => {
      const end = chunk.search(END);
      typed = type(typed, end < 0 ? chunk : chunk.slice(0, end));
      if (end < 0) return;
      stop();
      resolve(typed === "" && chunk[end] === END_OF_INPUT ? undefined : typed);
    };
    signal.addEventListener("abort", abort, { once: true });
    stdin.setEncoding("utf8");
    stdin.setRawMode(true);
    stdin.on("data", take);
    stdin.resume();
  });
}
