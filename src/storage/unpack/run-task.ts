import { constants, openSync } from "node:fs";
import { dirname } from "node:path";
import { closeFile } from "../../libc/at.ts";
import {
  type CompressionFormat,
  detectCompression,
  magicBytes,
} from "../../stream/compression-format.ts";
import { createInflater } from "../../stream/sync-inflater.ts";
import { RingReader } from "./byte-ring.ts";
import { failureOf } from "./failure.ts";
import { LayerTarget, type OpenTarget } from "./layer-target.ts";
import { LayerUnpacker } from "./layer-unpacker.ts";
import { defaultLimits } from "./limits.ts";
import type { UnpackedLayer, UnpackTarget, WorkerResult, WorkerTask } from "./messages.ts";
import { openAnonymous } from "./saved-payloads.ts";

/**
 * Unpacks one layer from first to last on the calling thread, which `confine` takes all rights from that the work does not need,
 * for good.
 */
export function runTask(
  { ring, targets }: WorkerTask,
  confine: (folders: readonly number[]) => void,
): WorkerResult {
  const reader = new RingReader(ring);
  const opened: OpenTarget[] = [];
  let unpacker: LayerUnpacker | undefined;
  try {
    for (const target of targets) opened.push(openTarget(target));
    confine(opened.map(({ root }) => root));
    unpacker = createUnpacker(opened);
    return { layer: unpackAll(reader, unpacker) };
  } catch (error) {
    return { failure: failureOf(error, unpacker?.entryName) };
  } finally {
    reader.stop();
    unpacker?.close();
    opened.forEach(closeTarget);
  }
}

function openTarget(target: UnpackTarget): OpenTarget {
  const { O_RDONLY, O_DIRECTORY, O_CREAT, O_EXCL, O_RDWR } = constants;
  const root = openSync(target.folder, O_RDONLY | O_DIRECTORY);
  if (target.tarSplit === undefined) return { target, root };
  const fd = openSync(target.tarSplit, O_RDWR | O_CREAT | O_EXCL, 0o600);
  const folder = dirname(target.tarSplit);
  const split = { fd, saved: openAnonymous(folder), spare: openAnonymous(folder) };
  return { target, root, split };
}

function closeTarget({ root, split }: OpenTarget): void {
  closeFile(root);
  if (split) [split.fd, split.saved, split.spare].forEach(closeFile);
}

function createUnpacker(opened: readonly OpenTarget[]): LayerUnpacker {
  const targets = opened.map((target) => new LayerTarget(target, [seed(), seed()]));
  return new LayerUnpacker(targets, { ...defaultLimits, ...opened[0]?.target.limits });
}

/** Of no use to whoever does not know it; nothing else depends on it, and Web Crypto takes milliseconds to load. */
function seed(): number {
  return (Math.random() * 2 ** 32) | 0;
}

const compressionNumbers: Readonly<Record<CompressionFormat, 1 | 2 | 3 | 4>> = {
  bzip2: 1,
  gzip: 2,
  xz: 3,
  zstd: 4,
};

function unpackAll(reader: RingReader, unpacker: LayerUnpacker): UnpackedLayer {
  const started = performance.now();
  const head = firstBytes(reader);
  const format = detectCompression(head);
  let takenBytes = 0;
  const inflater = createInflater(format, (bytes) => {
    reader.check();
    const busyMs = performance.now() - started - reader.waitedMs;
    unpacker.write(bytes, { takenBytes, busyMs });
  });
  const take = (bytes: Buffer) => {
    takenBytes += bytes.byteLength;
    inflater.write(bytes);
  };
  if (head.byteLength > 0) take(head);
  for (let piece = reader.next(); piece; piece = reader.next()) take(piece);
  inflater.end();
  return { ...unpacker.end(), compression: format ? compressionNumbers[format] : 0 };
}

/** Enough to tell the format, copied; all there is where that is less. */
function firstBytes(reader: RingReader): Buffer {
  let head = Buffer.alloc(0);
  while (head.byteLength < magicBytes) {
    const piece = reader.next();
    if (!piece) break;
    head = Buffer.concat([head, piece]);
  }
  return head;
}
