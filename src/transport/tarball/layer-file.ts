import { createHash } from "node:crypto";
import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { openRegular, randomAccess } from "../../layout/blob-file.ts";
import { LayoutError, reading } from "../../layout/errors.ts";
import { holdInMemory } from "../../layout/memory-file.ts";
import { openPipeReader, statPath } from "../../layout/pipe.ts";
import { spool } from "../../layout/spool.ts";
import { detectCompression, magicBytes } from "../../stream/compression-format.ts";
import { decompressed } from "../../stream/decompression.ts";
import { type RandomAccess, readFully, readRegion } from "../../stream/random-access.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { standardInput } from "./location.ts";

/** A tar that is to be a layer, open to be read any number of times. */
export interface LayerFile extends AsyncDisposable {
  readonly bytes: RandomAccess;
  /** Nanoseconds since 1970; undefined of what came through a pipe. */
  readonly modified: bigint | undefined;
}

/** What a tar is as a layer. */
export interface MeasuredLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

/** As much of a pipe as is held in memory, which is where skopeo holds it. */
const mostInMemory = 512 * 1024 * 1024;

/** Where to put what comes through a pipe. */
export interface OpenLayerOptions extends CallOptions {
  readonly spoolFolder?: string | undefined;
}

/**
 * Opens one of the files, or standard input.
 *
 * @throws {LayoutError} `layout.missing`, `layout.unreadable`; `layout.unsupported` where a pipe gives too much
 */
export async function openLayerFile(file: string, options: OpenLayerOptions): Promise<LayerFile> {
  const path = file === standardInput ? "/dev/stdin" : file;
  const found = await reading(`open ${file}`, () => statPath(path));
  if (!found.isFile() && !found.isDirectory()) return await readPipe(path, options);
  const handle = await openRegular(path);
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  return {
    bytes: randomAccess(handle, file, Number(size)),
    modified: file === standardInput ? undefined : mtimeNs,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function readPipe(path: string, options: OpenLayerOptions): Promise<LayerFile> {
  await using pipe = await openPipeReader(path, options.signal);
  const { spoolFolder } = options;
  if (spoolFolder !== undefined) {
    const kept = await spool(pipe.bytes, spoolFolder);
    return { bytes: kept, modified: undefined, [Symbol.asyncDispose]: () => kept.close() };
  }
  const bytes = await holdInMemory(pipe.bytes, {
    maxBytes: mostInMemory,
    what: path,
    hint: "Name a file, or say with --tmpdir where it may be put aside",
  });
  return { bytes, modified: undefined, async [Symbol.asyncDispose]() {} };
}

/**
 * Reads all of a file once: what it is, and what it unpacks to.
 *
 * @throws {LayoutError} `layout.unreadable`, `layout.invalid`, in skopeo's words
 */
export async function measureLayer(
  file: string,
  bytes: RandomAccess,
  { signal }: CallOptions,
): Promise<MeasuredLayer> {
  try {
    return await measure(bytes, signal);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const code = error instanceof LayoutError ? error.code : "layout.invalid";
    const text = `error reading ${JSON.stringify(file)}: ${error.message}`;
    throw new LayoutError(code, text, { cause: error });
  }
}

async function measure(file: RandomAccess, signal: AbortSignal): Promise<MeasuredLayer> {
  const format = detectCompression(await readFully(file, Buffer.alloc(magicBytes), 0));
  const packed = createHash("sha256");
  const plain = createHash("sha256");
  let size = 0;
  const counted = async function* () {
    for await (const chunk of readRegion(file, { offset: 0, size: file.size }, signal)) {
      packed.update(chunk);
      size += chunk.byteLength;
      yield chunk;
    }
  };
  const contents = format ? decompressed(counted(), format) : counted();
  for await (const chunk of contents) if (format) plain.update(chunk);
  const digest = parseDigest(`sha256:${packed.digest("hex")}`);
  const diffId = format ? parseDigest(`sha256:${plain.digest("hex")}`) : digest;
  return { descriptor: { mediaType: layerType(format), digest, size }, diffId };
}

function layerType(format: string | undefined): string {
  if (format === undefined) return mediaTypes.ociLayer;
  return format === "zstd" ? mediaTypes.ociLayerZstd : mediaTypes.ociLayerGzip;
}
