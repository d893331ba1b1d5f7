import { ContentError } from "../../core/errors.ts";
import { type ByteString, textOf } from "./byte-string.ts";
import { invalidHeader, stringField } from "./fields.ts";
import { blockSize, parseHeader, payloadSize, type TarHeader } from "./header.ts";
import { type PaxRecords, parsePaxRecords, withPaxRecords } from "./pax.ts";

/**
 * What a {@link TarParser} tells of a tar: `raw` and `payload` get every byte of it exactly once, in order, valid during the
 * call only. What a visitor throws comes out of the parser's `write`.
 */
export interface TarVisitor {
  /** Bytes that are no payload: headers, extended headers and their bodies, padding, the end and all that follows it. */
  raw(bytes: Buffer): void;
  /**
   * An entry, when its last header has gone to `raw`. Global extended headers are entries too, of type "g" and size 0;
   * types nobody knows come as they are. `offset` is where its payload begins in the tar.
   */
  entry(header: TarHeader, offset: number): void;
  /** The entry's next bytes: {@link payloadSize} on the whole. */
  payload(bytes: Buffer): void;
  /** The entry's payload is complete; called for entries without any, too. */
  entryEnd?(): void;
}

/** What one extended header may be long, as in Go. */
const maxExtendedBytes = 1024 * 1024;

/** An extended header whose body is being gathered. */
interface Extended {
  readonly header: TarHeader;
  readonly body: Buffer;
}

/** What extended headers say about the entry that comes next. */
interface Pending {
  pax?: PaxRecords;
  name?: ByteString;
  linkName?: ByteString;
}

/**
 * Reads a tar as it comes in, as Go's archive/tar does: two zero blocks end it, and so does an end of the stream between
 * entries. Knows the GNU long names and PAX; leaves sparse members packed.
 *
 * All methods throw {@link ContentError} `content.bad-tar`.
 */
export class TarParser {
  readonly #visitor: TarVisitor;
  readonly #block = Buffer.alloc(blockSize);
  #position = 0;
  #gathered = 0;
  #left = 0;
  #padding = 0;
  #state: "header" | "zero" | "payload" | "extended" | "padding" | "tail" = "header";
  #extended: Extended | undefined;
  #pending: Pending = {};

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  /** Takes the next bytes of the tar. */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.byteLength; ) {
      const taken = this.#take(bytes, at);
      at += taken;
      this.#position += taken;
    }
  }

  /** There are no more bytes. Padding may be missing, and the end's mark; what was begun may not. */
  end(): void {
    const complete =
      this.#gathered === 0 && this.#state !== "payload" && this.#state !== "extended";
    if (!complete) throw new ContentError("content.bad-tar", "unexpected EOF");
  }

  #take(bytes: Buffer, at: number): number {
    if (this.#state === "header" || this.#state === "zero") return this.#takeHeader(bytes, at);
    const some = bytes.subarray(at, this.#state === "tail" ? undefined : at + this.#left);
    this.#left -= some.byteLength;
    if (this.#state === "payload") this.#visitor.payload(some);
    else this.#visitor.raw(some);
    if (this.#extended && this.#state === "extended") {
      some.copy(this.#extended.body, this.#extended.body.byteLength - this.#left - some.byteLength);
    }
    if (this.#left === 0) this.#endPart(this.#position + some.byteLength);
    return some.byteLength;
  }

  #endPart(position: number): void {
    if (this.#state === "payload") this.#visitor.entryEnd?.();
    if (this.#state === "extended") this.#takeExtended(position);
    if (this.#state === "payload" || this.#state === "extended") this.#pad();
    else if (this.#state === "padding") this.#state = "header";
  }

  #pad(): void {
    this.#left = this.#padding;
    this.#state = this.#padding > 0 ? "padding" : "header";
  }

  #takeHeader(bytes: Buffer, at: number): number {
    const missing = blockSize - this.#gathered;
    if (this.#gathered === 0 && bytes.byteLength - at >= blockSize) {
      const block = bytes.subarray(at, at + blockSize);
      this.#visitor.raw(block);
      this.#header(block, this.#position + blockSize);
      return blockSize;
    }
    const taken = bytes.copy(this.#block, this.#gathered, at, at + missing);
    this.#visitor.raw(bytes.subarray(at, at + taken));
    this.#gathered += taken;
    if (taken === missing) {
      this.#gathered = 0;
      this.#header(this.#block, this.#position + taken);
    }
    return taken;
  }

  #header(block: Buffer, position: number): void {
    if (isZero(block)) {
      this.#state = this.#state === "zero" ? "tail" : "zero";
      return;
    }
    if (this.#state === "zero") throw invalidHeader();
    const header = parseHeader(block);
    if (isExtended(header.type)) this.#beginExtended(header, position);
    else this.#beginEntry(complete(header, this.#pending), position);
  }

  #beginEntry(header: TarHeader, position: number): void {
    this.#pending = {};
    this.#expect(payloadSize(header));
    this.#visitor.entry(header, position);
    this.#state = "payload";
    if (this.#left === 0) this.#endPart(position);
  }

  #beginExtended(header: TarHeader, position: number): void {
    this.#expect(header.size);
    if (header.size > maxExtendedBytes) {
      throw new ContentError("content.bad-tar", "archive/tar: header field too long");
    }
    this.#extended = { header, body: Buffer.alloc(header.size) };
    this.#state = "extended";
    if (this.#left === 0) this.#endPart(position);
  }

  #expect(size: number): void {
    if (size < 0 || !Number.isSafeInteger(size)) throw invalidHeader();
    this.#left = size;
    this.#padding = (blockSize - (size % blockSize)) % blockSize;
  }

  #takeExtended(position: number): void {
    if (!this.#extended) return;
    const { header, body } = this.#extended;
    this.#extended = undefined;
    if (header.type === "x") this.#pending.pax = parsePaxRecords(body);
    if (header.type === "L") this.#pending.name = stringField(body, 0, body.byteLength);
    if (header.type === "K") this.#pending.linkName = stringField(body, 0, body.byteLength);
    if (header.type !== "g") return;
    // What was pending is lost, and it is nobody's, as in Go.
    this.#pending = {};
    const records = withPaxRecords(header, parsePaxRecords(body));
    this.#visitor.entry({ ...records, uid: 0, gid: 0, size: 0 }, position);
    this.#visitor.entryEnd?.();
  }
}

/** An entry's header with what the extended ones before it say. */
function complete(header: TarHeader, { pax, name, linkName }: Pending): TarHeader {
  const merged = pax ? withPaxRecords(header, pax) : header;
  if (!name && !linkName && header.type !== "\0") return merged;
  const rawName = name || merged.rawName;
  const oldType = rawName.endsWith("/") ? "5" : "0";
  return {
    ...merged,
    rawName,
    rawLinkName: linkName || merged.rawLinkName,
    type: header.type === "\0" ? oldType : header.type,
  };
}

function isExtended(type: string): boolean {
  return type === "x" || type === "g" || type === "L" || type === "K";
}

function isZero(block: Buffer): boolean {
  for (let at = 0; at < blockSize; at++) if (block[at] !== 0) return false;
  return true;
}

/** How an entry is named in messages: its text, what cannot be printed escaped. */
export function quotedName(name: ByteString): string {
  return JSON.stringify(textOf(name));
}
