import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ContentError, KnownError } from "../core/errors.ts";
import type { LayerCompression } from "../core/layer-edits.ts";
import { EncryptionError } from "../encryption/errors.ts";
import type { BlobStream } from "../stream/blob-stream.ts";
import {
  baseFormat,
  type CompressionFormat,
  detectCompression,
  magicBytes,
} from "../stream/compression-format.ts";
import type { BlobPlace } from "../transport/contract/image-destination.ts";
import type { BlobCopy } from "./blobs.ts";
import { ciphered } from "./ciphered.ts";
import { failedWhile, telling } from "./failure.ts";
import { type LayerChange, layerChange, packingOf } from "./layer-change.ts";
import type { LayerCrypto } from "./layer-crypto.ts";
import type { PlannedLayer } from "./plan.ts";
import { sizedBlob } from "./sized-blob.ts";
import { cannot } from "./tape.ts";

/** What a source blob became at the destination. */
export interface WrittenBlob {
  /** What stands there now; its media type is still the source's. */
  readonly descriptor: Descriptor;
  /** How the bytes there are compressed; absent where they were not looked at. */
  readonly compression?: LayerCompression;
  /** Absent where no key had to do with it. */
  readonly cipher?: LayerCrypto["does"];
  /** What is to be said of changed bytes. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Known where the plan asked for it. */
  readonly uncompressed?: { readonly digest: Digest; readonly size: number };
}

/** How often bytes that are changed on the way are read and made anew. */
const attempts = 3;

/**
 * Reads one blob and writes it, changed as its wish and its first bytes have it.
 *
 * Requests are retried, and what stays as it is is resumed, below. What is changed on the way cannot go on where it broke:
 * it is made anew from the start.
 */
export async function moveBlob(planned: PlannedLayer, copy: BlobCopy): Promise<WrittenBlob> {
  const uncompressed = planned.needsDiffId ? await measure(planned.blob, copy) : undefined;
  for (let attempt = 1; ; attempt++) {
    const moved = await moveOnce(planned, copy, attempt < attempts);
    if (moved) return { ...moved, ...(uncompressed && { uncompressed }) };
  }
}

/** Undefined where it failed and, `again` allowing it, may be tried once more. */
async function moveOnce(
  planned: PlannedLayer,
  copy: BlobCopy,
  again: boolean,
): Promise<WrittenBlob | undefined> {
  await using first = await open(planned.blob, copy);
  const found = await telling(reading(planned.blob), "copy.source-failed", () =>
    first.peek(magicBytes),
  );
  const packed = detectCompression(found);
  const { blob, place, cipher } = planned;
  const change = planned.wish && layerChange(planned.wish, packingOf(packed, blob.annotations));
  try {
    return await writeFound(first, { blob, place, change, cipher }, packed, copy);
  } catch (error) {
    const mayPass = error instanceof KnownError && error.retryable && !copy.signal.aborted;
    if ((change || cipher) && again && mayPass && copy.source.traits.reopens) return undefined;
    throw error;
  }
}

/** @param packed how the first bytes are compressed */
async function writeFound(
  first: BlobStream,
  toWrite: BlobToWrite,
  packed: CompressionFormat | undefined,
  copy: BlobCopy,
): Promise<WrittenBlob> {
  const { blob, change, cipher } = toWrite;
  const told = await countAhead(first, toWrite, copy);
  await using second = told === undefined ? undefined : await open(blob, copy);
  const wantsSizes = copy.destination.traits.newBlobs === "sized";
  const size = told ?? (cipher && wantsSizes ? first.descriptor.size : undefined);
  const { written, annotations } = await write(second ?? first, { ...toWrite, size }, copy);
  const descriptor = { ...blob, digest: written.digest, size: written.size };
  const said = annotations && { annotations };
  if (cipher === "decrypt") return { descriptor, cipher, ...said }; // its type says how it is compressed
  const made = change?.compress === undefined ? "none" : baseFormat(change.compress);
  const compression = change ? made : asLayerCompression(packed);
  return { descriptor, compression, ...said, ...(cipher && { cipher }) };
}

/** One blob on its way, and what is known of it. */
interface BlobToWrite {
  readonly blob: Descriptor;
  readonly place: BlobPlace;
  readonly change: LayerChange | undefined;
  readonly cipher: LayerCrypto["does"] | undefined;
  /** Of changed bytes, where the destination wants it. */
  readonly size?: number | undefined;
}

/**
 * Where the destination wants the sizes of changed blobs: reads `stream` to its end, to count what will be written.
 *
 * @returns undefined where nothing was read
 */
async function countAhead(
  stream: BlobStream,
  { blob, change }: BlobToWrite,
  { source, destination, compression }: BlobCopy,
): Promise<number | undefined> {
  if (!change || destination.traits.newBlobs !== "sized") return undefined;
  if (!source.traits.reopens) {
    throw cannot(source, destination, `the size of layer ${blob.digest} is needed first`);
  }
  await using made = compression.recompressed(stream, change, blob.mediaType);
  let size = 0;
  await telling(reading(blob), "copy.source-failed", async () => {
    for await (const chunk of made) size += chunk.byteLength;
  });
  return size;
}

function reading({ digest }: Descriptor): string {
  return `reading blob ${digest}`;
}

function asLayerCompression(format: CompressionFormat | undefined): LayerCompression {
  return format === "xz" ? "Xz" : (format ?? "none");
}

async function open(blob: Descriptor, { source, signal, report }: BlobCopy): Promise<BlobStream> {
  const stream = await telling(reading(blob), "copy.source-failed", () =>
    source.openBlob(blob, { signal }),
  );
  stream.watch((sent) =>
    report({ type: "blob-moving", blob: blob.digest, size: stream.descriptor.size, sent }),
  );
  return stream;
}

interface Written {
  readonly written: Descriptor;
  /** What is to be said of changed bytes. */
  readonly annotations?: Readonly<Record<string, string>>;
}

async function write(
  stream: BlobStream,
  { blob, place, change, cipher, size }: BlobToWrite,
  { writer, signal, compression, crypto }: BlobCopy,
): Promise<Written> {
  await using packed = change && compression.recompressed(stream, change, blob.mediaType);
  const said = () => (packed ? packed.annotations() : (blob.annotations ?? {}));
  await using made = await ciphered(packed ?? stream, { ...blob, said }, cipher && crypto);
  try {
    if (!change && !cipher) return { written: await writer.writeBlob(stream, place, { signal }) };
    const told = size === undefined ? made : sizedBlob(made, size);
    const written = await writer.writeBlob(told, place, { signal });
    return { written, annotations: await made.annotations() };
  } catch (error) {
    const failure = stream.failure ?? brokenSource(error);
    if (failure === undefined) throw failedWhile("writing blob", "copy.destination-failed", error);
    const during = "writing blob: happened during read";
    throw failedWhile(
      during,
      "copy.source-failed",
      failure instanceof KnownError ? failure : error,
    );
  }
}

/** What was found to be wrong with bytes that came as they should when they were unpacked or decrypted; a registry's client says whose fault it was. */
function brokenSource(error: unknown): unknown {
  const found =
    error instanceof KnownError && error.code === "registry.source-failed" ? error.cause : error;
  const isBroken =
    found instanceof EncryptionError ||
    (found instanceof ContentError && found.code === "content.bad-compression");
  return isBroken ? found : undefined;
}

/**
 * The digest and size of what a layer unpacks to, by reading it once more than a copy would: only schema 1 images, whose
 * configs have to be made, need it.
 */
async function measure(
  blob: Descriptor,
  copy: BlobCopy,
): Promise<{ readonly digest: Digest; readonly size: number } | undefined> {
  const { compression } = copy;
  await using stream = await open(blob, copy);
  await using plain = compression.recompressed(
    stream,
    { decompress: true, measure: true },
    blob.mediaType,
  );
  for await (const _ of plain) {
    // only the measure is wanted
  }
  return plain.uncompressed();
}
