import { createHash } from "node:crypto";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { unfoldsTooFar } from "../../stream/decompression-errors.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import type { TarHeader } from "../../stream/tar/header.ts";
import { TarParser, type TarVisitor } from "../../stream/tar/parser.ts";
import type { TreeCover } from "../tree-cover.ts";
import { baseOf, cleanPath } from "./entry-name.ts";
import { UnpackError } from "./errors.ts";
import type { LayerTarget } from "./layer-target.ts";
import type { UnpackLimits } from "./limits.ts";
import { sparseFileOf } from "./sparse.ts";
import { whiteoutPrefix } from "./whiteouts.ts";

/** How much of the blob was read, and how long the work has taken so far. */
export interface Effort {
  readonly takenBytes: number;
  readonly busyMs: number;
}

/** What a layer was, as its tar and its entries tell. */
export interface LayerSummary {
  readonly diffId: Digest;
  readonly diffSize: number;
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly rootSet: boolean;
  readonly cover: TreeCover | "again" | undefined;
}

/** Reads a layer's tar and has every entry made, in all targets. */
export class LayerUnpacker {
  readonly #targets: readonly LayerTarget[];
  readonly #limits: UnpackLimits;
  readonly #hash = createHash("sha256");
  readonly #parser: TarParser;
  readonly #owners = { uids: new Set<number>(), gids: new Set<number>() };
  #size = 0;
  #expanded = 0;
  #entries = 0;
  #effort: Effort = { takenBytes: 0, busyMs: 0 };
  #name: ByteString | undefined;

  constructor(targets: readonly LayerTarget[], limits: UnpackLimits) {
    this.#targets = targets;
    this.#limits = limits;
    this.#parser = new TarParser(this.#visitor());
  }

  /** The entry at work, for messages. */
  get entryName(): ByteString | undefined {
    return this.#name;
  }

  /** The next bytes of the tar. */
  write(bytes: Buffer, effort: Effort): void {
    this.#effort = effort;
    this.#size += bytes.byteLength;
    this.#checkSize();
    if (effort.busyMs > this.#limits.maxBusyMs) {
      throw tooLarge(`takes more than ${this.#limits.maxBusyMs / 1000} seconds of work`);
    }
    this.#hash.update(bytes);
    this.#parser.write(bytes);
  }

  /** Nothing follows: the last things to do, and what the layer was. */
  end(): LayerSummary {
    this.#parser.end();
    this.#name = undefined;
    for (const target of this.#targets) target.end();
    return {
      diffId: parseDigest(`sha256:${this.#hash.digest("hex")}`),
      diffSize: this.#size,
      uids: ordered(this.#owners.uids),
      gids: ordered(this.#owners.gids),
      rootSet: this.#targets.some(({ rootSet }) => rootSet),
      cover: this.#targets[0]?.cover,
    };
  }

  /** Closes what is open, however it went. */
  close(): void {
    for (const target of this.#targets) target.close();
  }

  #visitor(): TarVisitor {
    const targets = this.#targets;
    const entry = (header: TarHeader) => this.#entry(header);
    const [only] = targets;
    if (only && targets.length === 1) {
      return {
        entry,
        raw: (bytes) => only.raw(bytes),
        payload: (bytes) => only.payload(bytes),
        entryEnd: () => only.entryEnd(),
      };
    }
    return {
      entry,
      raw: (bytes) => targets.forEach((target) => void target.raw(bytes)),
      payload: (bytes) => targets.forEach((target) => void target.payload(bytes)),
      entryEnd: () => targets.forEach((target) => void target.entryEnd()),
    };
  }

  #entry(header: TarHeader): void {
    this.#name = header.rawName;
    this.#entries += 1;
    const { maxEntries } = this.#limits;
    const made = this.#targets[0]?.madeFolders ?? 0;
    if (this.#entries + made > maxEntries) throw tooLarge(`has more than ${maxEntries} entries`);
    const sparse = sparseFileOf(header);
    if (sparse) this.#expanded += sparse.size;
    if (sparse) this.#checkSize();
    const name = sparse?.name ?? header.rawName;
    this.#checkName(name, header);
    this.#own(header);
    for (const target of this.#targets) target.entry(header, sparse);
  }

  /** A symbolic link's target is no path of ours: it may be as long as the kernel takes it. */
  #checkName(name: ByteString, { type, rawLinkName }: TarHeader): void {
    const { maxNameBytes, maxTargetBytes } = this.#limits;
    const isSymlink = type === "2";
    const longest = Math.max(name.length, isSymlink ? 0 : rawLinkName.length);
    if (longest > maxNameBytes) throw badEntry(`has a name of more than ${maxNameBytes} bytes`);
    if (name.includes("\0")) throw badEntry("has a NUL in its name");
    if (isSymlink && rawLinkName.length > maxTargetBytes)
      throw badEntry(`leads to a name of more than ${maxTargetBytes} bytes`);
  }

  #own({ rawName, uid, gid }: TarHeader): void {
    if (baseOf(cleanPath(rawName).path).startsWith(whiteoutPrefix)) return;
    this.#owners.uids.add(uid >>> 0);
    this.#owners.gids.add(gid >>> 0);
  }

  /** What was made of the blob, tar and holes of sparse files, against what there was of it. */
  #checkSize(): void {
    const { maxRatio, freeBytes } = this.#limits;
    const allowed = Math.max(freeBytes, this.#effort.takenBytes * maxRatio);
    if (this.#size > allowed) throw unfoldsTooFar(maxRatio);
    if (this.#expanded > allowed) throw tooLarge(`unfolds to more than ${maxRatio} times its size`);
  }
}

function ordered(ids: ReadonlySet<number>): readonly number[] {
  return [...ids].toSorted((one, other) => one - other);
}

function badEntry(what: string): UnpackError {
  return new UnpackError("storage.bad-layer", what);
}

function tooLarge(what: string): UnpackError {
  return new UnpackError("storage.layer-too-large", `the layer ${what}`);
}
