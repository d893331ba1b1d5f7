import {
  close as closeFile,
  constants,
  fstat as fstatOf,
  openSync,
  type Stats,
  write as writeFile,
} from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { errnoOf, reading, writing } from "./errors.ts";

const fstat = promisify(fstatOf);
const write = promisify(writeFile);
const close = promisify(closeFile);

/** Bytes that come, or go, once and in order; disposing of it before the end breaks off. */
export interface PipeEnd extends AsyncDisposable {
  /** What it is called in messages. */
  readonly path: string;
}

/** The reading end. */
export interface PipeReader extends PipeEnd {
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** The writing end. */
export interface PipeWriter extends PipeEnd {
  /** Hands all of `bytes` on; their memory may be used again then. */
  write(bytes: Uint8Array): Promise<void>;
  /** Tells the reader that this was all. */
  end(): Promise<void>;
}

/** The number of a file that this process was given open: of /dev/stdin, /dev/fd/3 and the like. */
export function inheritedNumber(path: string): number | undefined {
  const named = { "/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2 }[path];
  const [, digits] = /^\/(?:dev|proc\/self)\/fd\/(\d{1,6})$/.exec(path) ?? [];
  return named ?? (digits === undefined ? undefined : Number(digits));
}

/** What stands at a path, links followed; of an inherited file that file. */
export async function statPath(path: string): Promise<Stats> {
  const number = inheritedNumber(path);
  return number === undefined ? await stat(path) : await fstat(number);
}

/**
 * Opens what can only be read from its start to its end: a pipe, a socket, a device. A named pipe that nobody writes to yet
 * is waited for, until `signal` says no.
 */
export async function openPipeReader(path: string, signal: AbortSignal): Promise<PipeReader> {
  const found = await reading(`open ${path}`, () => statPath(path));
  const number = inheritedNumber(path);
  if (isQueue(found)) {
    const fd =
      number ??
      (await reading(`open ${path}`, async () =>
        openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
      ));
    return readerOf(path, new Socket({ fd, readable: true, writable: false, signal }), signal);
  }
  const handle = await reading(`open ${path}`, () => open(path, "r"));
  return {
    path,
    bytes: chunksOf(handle, path, signal),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function isQueue(found: Stats): boolean {
  return found.isFIFO() || found.isSocket();
}

/** A socket fails with words of its own where it was called off. */
async function orCalledOff<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

function readerOf(path: string, socket: Socket, signal: AbortSignal): PipeReader {
  socket.on("error", () => {}); // comes out of the iteration
  return {
    path,
    bytes: told(path, socket, signal),
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

async function* told(
  path: string,
  socket: Socket,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks: AsyncIterator<Uint8Array> = socket[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await orCalledOff(signal, () => reading(`read ${path}`, () => chunks.next()));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    socket.destroy();
  }
}

async function* chunksOf(
  handle: FileHandle,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    signal.throwIfAborted();
    const buffer = Buffer.allocUnsafeSlow(64 * 1024);
    const { bytesRead } = await reading(`read ${path}`, () =>
      handle.read(buffer, 0, buffer.byteLength, null),
    );
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * Opens what can only be written to from its start to its end. A named pipe that nobody reads yet is waited for, until
 * `signal` says no.
 */
export async function openPipeWriter(path: string, signal: AbortSignal): Promise<PipeWriter> {
  const found = await writing(`open ${path}`, () => statPath(path));
  const number = inheritedNumber(path);
  if (isQueue(found)) {
    const fd = number ?? (await writing(`open ${path}`, () => openForReader(path, signal)));
    const socket = new Socket({ fd, readable: false, writable: true, signal });
    return new SocketWriter(path, socket, signal);
  }
  const fd = number ?? (await writing(`open ${path}`, async () => openSync(path, "w")));
  return new FileWriter(path, fd, signal);
}

/** Opening without waiting fails where nobody reads; waiting in the call itself could not be called off. */
async function openForReader(path: string, signal: AbortSignal): Promise<number> {
  for (;;) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (errnoOf(error) !== "ENXIO") throw error;
      await orCalledOff(signal, () => delay(20, undefined, { signal }));
    }
  }
}

/** A device, or a file that this process was given open. */
class FileWriter implements PipeWriter {
  readonly path: string;
  readonly #fd: number;
  readonly #signal: AbortSignal;

  constructor(path: string, fd: number, signal: AbortSignal) {
    this.path = path;
    this.#fd = fd;
    this.#signal = signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      this.#signal.throwIfAborted();
      const { bytesWritten } = await writing(`write ${this.path}`, () =>
        write(this.#fd, bytes, done, bytes.byteLength - done, null),
      );
      done += bytesWritten;
    }
  }

  async end(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    if (inheritedNumber(this.path) === undefined) await close(this.#fd);
  }
}

/** Never blocks a thread, so that it can be called off whoever reads. What was inherited stays open. */
class SocketWriter implements PipeWriter {
  readonly path: string;
  readonly #socket: Socket;
  readonly #signal: AbortSignal;

  constructor(path: string, socket: Socket, signal: AbortSignal) {
    this.path = path;
    this.#socket = socket;
    this.#signal = signal;
    socket.on("error", () => {}); // comes out of the write
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#until((done) => this.#socket.write(bytes, done));
  }

  async end(): Promise<void> {
    if (inheritedNumber(this.path) !== undefined) return;
    await this.#until((done) => this.#socket.end(() => done()));
  }

  async #until(work: (done: (error?: Error | null) => void) => void): Promise<void> {
    const telling = () => writing(`write ${this.path}`, () => this.#outcome(work));
    await orCalledOff(this.#signal, telling);
  }

  async #outcome(work: (done: (error?: Error | null) => void) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = () => reject(this.#socket.errored ?? new Error("closed"));
    if (this.#socket.destroyed) fail();
    this.#socket.once("close", fail);
    work((error) => (error ? reject(error) : resolve()));
    await promise.finally(() => this.#socket.off("close", fail));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (inheritedNumber(this.path) === undefined) this.#socket.destroy();
  }
}
