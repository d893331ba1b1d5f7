import { isUtf8 } from "node:buffer";

/**
 * UTF-8 as text. Each byte that is not UTF-8 becomes the lone surrogate U+DC00 + byte, so that {@link encodeUtf8}
 * gives the same bytes back; {@link replaceInvalid} makes U+FFFD of it. A byte order mark is kept.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return decoder.decode(bytes);
  const pieces: string[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    pieces.push(decoder.decode(bytes.subarray(start, at)));
    pieces.push(String.fromCharCode(0xdc00 + (bytes[at] ?? 0)));
    at += 1;
    start = at;
  }
  pieces.push(decoder.decode(bytes.subarray(start)));
  return pieces.join("");
}

/** Text of {@link decodeUtf8} as its bytes again. */
export function encodeUtf8(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const pieces = text.split(/(\p{Cs})/u).map((piece) => {
    const code = piece.charCodeAt(0);
    const single = piece.length === 1 && code >= 0xdc80 && code <= 0xdcff;
    return single ? Uint8Array.of(code - 0xdc00) : encoder.encode(piece);
  });
  return Buffer.concat(pieces);
}

/** `text` with U+FFFD for everything that is no character, as Go reads strings. */
export function replaceInvalid(text: string): string {
  return text.toWellFormed();
}

/** Orders texts by their UTF-8 bytes, as Go sorts the keys of a map. */
export function compareUtf8(a: string, b: string): number {
  return Buffer.compare(encodeUtf8(a), encodeUtf8(b));
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Length of the well-formed sequence at `at`, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return isUtf8(bytes.subarray(at, at + length)) && at + length <= bytes.length ? length : 0;
}
