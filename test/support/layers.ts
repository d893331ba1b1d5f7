import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createRing, RingWriter } from "../../src/storage/unpack/byte-ring.ts";
import type { UnpackedLayer, UnpackTarget } from "../../src/storage/unpack/messages.ts";
import { runTask } from "../../src/storage/unpack/run-task.ts";
import { errorOf } from "../../src/storage/unpack/sent-error.ts";
import { unpackLayer } from "../../src/storage/unpack/unpack-layer.ts";
import { buildHeader, endOfTar, paddingOf, type TarFields } from "../../src/stream/tar/builder.ts";
import { Crc64 } from "../../src/stream/tar-split/crc64.ts";
import type { TempFolder } from "./temp.ts";

/** An entry of a layer, given to whoever runs the test, so that anybody can unpack it. */
export function layerEntry(fields: TarFields, payload: string | Buffer = ""): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const folder = fields.type === "5";
  const header = buildHeader({
    mode: folder ? 0o755 : 0o644,
    mtime: { seconds: 1_000_000_000, nanoseconds: 0 },
    size: bytes.byteLength,
    ...owner,
    ...fields,
  });
  return Buffer.concat([header, bytes, paddingOf(bytes.byteLength)]);
}

/** A whole tar of entries. */
export function layerOf(...entries: readonly Buffer[]): Buffer {
  return Buffer.concat([...entries, endOfTar]);
}

/** A layer that was unpacked, and where. */
export interface UnpackedHere extends UnpackedLayer {
  readonly folder: string;
  readonly tarSplit: string;
}

/** How a layer is unpacked in a test. */
export interface UnpackOptions extends Partial<UnpackTarget> {
  /** Fills the folder first. */
  readonly before?: (folder: string) => void;
  /** The folder's own mode. */
  readonly mode?: number;
}

let count = 0;

/** A new folder in `temp` to unpack into. */
function newTarget(temp: TempFolder, options: UnpackOptions) {
  const place = temp.in(`layer-${count++}`);
  const folder = join(place, "diff");
  const tarSplit = join(place, "tar-split.gz");
  mkdirSync(folder, { recursive: true });
  const { before, mode, ...settings } = options;
  if (mode !== undefined) chmodSync(folder, mode);
  before?.(folder);
  const fixed = { whiteouts: "overlay", userNamespace: false } as const;
  return { ...fixed, folder, tarSplit, ...settings };
}

/** Unpacks a blob as the program does: on a thread of its own. */
export async function unpackHere(
  temp: TempFolder,
  blob: Uint8Array | AsyncIterable<Uint8Array>,
  options: UnpackOptions = {},
): Promise<UnpackedHere> {
  const target = newTarget(temp, options);
  const bytes = blob instanceof Uint8Array ? once(blob) : blob;
  const layer = await unpackLayer(bytes, [target], { signal: new AbortController().signal });
  return { ...layer, folder: target.folder, tarSplit: target.tarSplit };
}

/**
 * As {@link unpackHere}, much cheaper, on the test's own thread and with nothing but the unpacking itself to keep the layer in
 * its folder. For blobs below 2 MiB.
 */
export async function unpackUnconfined(
  temp: TempFolder,
  blob: Uint8Array,
  options: UnpackOptions = {},
): Promise<UnpackedHere> {
  const target = newTarget(temp, options);
  const ring = createRing();
  const writer = new RingWriter(ring);
  await writer.write(blob);
  writer.end("complete");
  const result = runTask({ ring, targets: [target] }, () => {});
  if ("failure" in result) throw errorOf(result.failure);
  return { ...result.layer, folder: target.folder, tarSplit: target.tarSplit };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * What a tar-split and a tree give together, read in the plainest way: paths as they are, no entry twice, sums checked — what
 * Go's reader does.
 */
export function reassembled({ folder, tarSplit }: UnpackedHere): Buffer {
  const parts: Buffer[] = [];
  const seen = new Set<string>();
  for (const text of gunzipSync(readFileSync(tarSplit)).toString().split("\n").slice(0, -1)) {
    const line = JSON.parse(text);
    if (line.type === 2) parts.push(Buffer.from(line.payload, "base64"));
    else {
      const name = line.name_raw
        ? Buffer.from(line.name_raw, "base64")
        : Buffer.from(line.name ?? "");
      const clean = join("/", name.toString("latin1")).replace(/\/$/, "");
      if (seen.has(clean)) throw new Error(`twice: ${clean}`);
      seen.add(clean);
      if (line.size) parts.push(payloadOf(folder, name, line));
    }
  }
  return Buffer.concat(parts);
}

function payloadOf(folder: string, name: Buffer, line: { size: number; payload: string }): Buffer {
  const bytes = readFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]));
  const sum = new Crc64();
  sum.update(bytes);
  if (sum.digest().toString("base64") !== line.payload) throw new Error(`wrong sum: ${name}`);
  if (bytes.byteLength !== line.size) throw new Error(`wrong size: ${name}`);
  return bytes;
}

/** Everything below a folder, a line each: path, what it is, what is in it; in order. Names that are not UTF-8 in latin1. */
export function treeOf(folder: string): readonly string[] {
  const lines: string[] = [];
  const walk = (path: Buffer) => {
    for (const name of readdirSync(path, { encoding: "buffer" })) {
      const inside = Buffer.concat([path, Buffer.from("/"), name]);
      const shown = inside.subarray(Buffer.byteLength(folder) + 1).toString("latin1");
      const stat = lstatSync(inside);
      lines.push(shown + lookOf(inside, stat));
      if (stat.isDirectory()) walk(inside);
    }
  };
  walk(Buffer.from(folder));
  return lines.toSorted();
}

function lookOf(path: Buffer, stat: Stats): string {
  if (stat.isDirectory()) return "/";
  if (stat.isSymbolicLink()) return ` -> ${readlinkSync(path)}`;
  if (stat.isFile()) return ` = ${readFileSync(path, "latin1").slice(0, 40)}`;
  return stat.isFIFO() ? " fifo" : ` device ${stat.rdev >> 8}:${stat.rdev & 0xff}`;
}
