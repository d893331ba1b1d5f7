import { type InputType, inflateRawSync, inflateSync, type ZlibOptions } from "node:zlib";
import { malformed } from "./malformed.ts";

/** More than any signature is, and little memory. */
const maxBytes = 4 * 1024 * 1024;

/** What node gives with `info`, which its types leave out. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

type Inflate = (input: InputType, options: ZlibOptions) => unknown;

const methods: Readonly<Record<number, Inflate>> = { 1: inflateRawSync, 2: inflateSync };

/**
 * The content of a compressed packet: zip or zlib, to its very end, and no more than 4 MiB.
 *
 * @throws {SignatureError} `signature.malformed`
 */
export function inflate(body: Uint8Array): Uint8Array {
  const { content, isAll } = inflateStart(body);
  if (!isAll) throw malformed("bytes behind what is compressed");
  return content;
}

/**
 * As {@link inflate}, where what is behind the content does not matter: nothing of it is to be believed anyway.
 *
 * @throws {SignatureError} `signature.malformed`
 */
export function inflateStart(body: Uint8Array): {
  readonly content: Uint8Array;
  readonly isAll: boolean;
} {
  const [method] = body;
  const bzip2 = 3;
  if (method === bzip2) throw malformed("bzip2", "Invalid GPG signature: bzip2 is not supported");
  const run = methods[method ?? -1];
  if (!run) throw malformed("compressed by an unknown method");
  const compressed = body.subarray(1);
  const { buffer, engine } = tryInflate(run, compressed);
  return { content: buffer, isAll: engine.bytesWritten === compressed.length };
}

function tryInflate(run: Inflate, compressed: Uint8Array): Inflated {
  try {
    return run(compressed, { info: true, maxOutputLength: maxBytes }) as Inflated;
  } catch (error) {
    const isTooMuch = (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    const message = isTooMuch
      ? `Invalid GPG signature: exceeded maximum allowed size of ${maxBytes} bytes`
      : "Unexpected GPG signature count 0";
    throw malformed(String(error), message);
  }
}
