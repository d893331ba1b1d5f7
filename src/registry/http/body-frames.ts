import { badResponse, endedEarly, type HttpError } from "./errors.ts";
import type { Framing } from "./framing.ts";
import { maxHeadBytes, parseFields } from "./response-head.ts";
import type { Wire } from "./wire.ts";

/** Finds the body in the bytes of a connection. */
export interface BodyFrames {
  /** Whether all of the body was taken. */
  readonly complete: boolean;
  /** Bytes of the body that are still to be taken; 0 where that is not known. */
  readonly left: number;
  /** The next piece of body that is there; undefined where it takes more bytes, or is complete. */
  take(wire: Wire): Uint8Array | undefined;
  /** The peer ended: throws where the body is cut short by it. */
  atEnd(): void;
}

/** The reader of a body that is framed so. */
export function framesOf(framing: Framing): BodyFrames {
  if (framing.kind === "chunked") return new ChunkedFrames();
  if (framing.kind === "close") return new UntilClose();
  return new LengthFrames(framing.kind === "length" ? framing.length : 0);
}

class LengthFrames implements BodyFrames {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get left(): number {
    return this.#left;
  }

  get complete(): boolean {
    return this.#left === 0;
  }

  take(wire: Wire): Uint8Array | undefined {
    if (this.#left === 0 || wire.inbox.unread === 0) return undefined;
    const chunk = wire.take(this.#left);
    this.#left -= chunk.byteLength;
    return chunk;
  }

  atEnd(): void {
    if (this.#left > 0) throw endedEarly("body", true);
  }
}

class UntilClose implements BodyFrames {
  complete = false;
  readonly left = 0;

  take(wire: Wire): Uint8Array | undefined {
    return wire.inbox.unread === 0 ? undefined : wire.take(Number.POSITIVE_INFINITY);
  }

  atEnd(): void {
    this.complete = true;
  }
}

/** Longest line with a chunk's size and extensions. */
const maxSizeLine = 4096;

/**
 * RFC 9112 § 7.1: `chunk-size [ext] CRLF data CRLF`, at last `0 [ext] CRLF trailers CRLF`. Extensions and trailers are
 * checked and dropped.
 */
class ChunkedFrames implements BodyFrames {
  readonly left = 0;
  #expects: "size" | "data" | "data-end" | "trailer" | "nothing" = "size";
  #left = 0;
  #line = "";
  #trailerBytes = 0;

  get complete(): boolean {
    return this.#expects === "nothing";
  }

  take(wire: Wire): Uint8Array | undefined {
    while (wire.inbox.unread > 0 && this.#expects !== "nothing") {
      if (this.#expects === "data") return this.#takeData(wire);
      const line = this.#readLine(wire);
      if (line !== undefined) this.#onLine(line);
    }
    return undefined;
  }

  atEnd(): void {
    if (!this.complete) throw endedEarly("body", true);
  }

  #takeData(wire: Wire): Uint8Array {
    const chunk = wire.take(this.#left);
    this.#left -= chunk.byteLength;
    if (this.#left === 0) this.#expects = "data-end";
    return chunk;
  }

  /** The line without its CRLF, once all of it has come. */
  #readLine(wire: Wire): string | undefined {
    const bytes = wire.inbox.peek();
    const end = bytes.indexOf(10);
    const used = end === -1 ? bytes.byteLength : end + 1;
    if (this.#line.length + used > this.#longestLine()) throw this.#tooLong();
    this.#line += Buffer.from(bytes.buffer, bytes.byteOffset, used).toString("latin1");
    wire.skip(used);
    if (end === -1) return undefined;
    if (!this.#line.endsWith("\r\n")) throw badResponse("malformed chunked encoding", "body");
    const line = this.#line.slice(0, -2);
    this.#line = "";
    return line;
  }

  #longestLine(): number {
    if (this.#expects === "data-end") return 2;
    return this.#expects === "size" ? maxSizeLine : maxHeadBytes - this.#trailerBytes;
  }

  #tooLong(): HttpError {
    const what =
      this.#expects === "data-end" ? "malformed chunked encoding" : "header line too long";
    return badResponse(what, "body");
  }

  #onLine(line: string): void {
    if (this.#expects === "size") this.#onSize(line);
    else if (this.#expects === "data-end") this.#expects = "size";
    else if (line === "") this.#expects = "nothing";
    else this.#onTrailer(line);
  }

  #onSize(line: string): void {
    const [, digits = "", extensions = ""] = /^([0-9a-fA-F]*)(.*)$/s.exec(line) ?? [];
    if (digits === "" || !/^(?:[ \t]*;[^\0-\x08\x0a-\x1f\x7f]*)?$/.test(extensions)) {
      throw badResponse("invalid byte in chunk length", "body");
    }
    this.#left = Number.parseInt(digits, 16);
    if (digits.length > 16 || !Number.isSafeInteger(this.#left)) {
      throw badResponse("http chunk length too large", "body");
    }
    this.#expects = this.#left === 0 ? "trailer" : "data";
  }

  #onTrailer(line: string): void {
    this.#trailerBytes += line.length + 2;
    parseFields([line]);
  }
}
