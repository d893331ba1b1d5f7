import { ContentError } from "./errors.ts";

const alphabet = /^[A-Za-z0-9+/]$/;

/**
 * The bytes of standard base64 as Go's `base64.StdEncoding` reads it: padding is required, line ends count for nothing
 * (`specs` signing.md 0.3).
 *
 * @throws {ContentError} `content.bad-base64`, in Go's words
 */
export function decodeGoBase64(text: string): Uint8Array<ArrayBuffer> {
  const packed = text.replace(/[\r\n]/g, "");
  if (packed.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(packed)) {
    return Uint8Array.from(Buffer.from(packed, "base64"));
  }
  const offset = offsetOfFault(Buffer.from(text).toString("latin1"));
  throw new ContentError("content.bad-base64", `illegal base64 data at input byte ${offset}`);
}

/** Where Go's decoder stops, in bytes: at the byte that is wrong, or at the start of a group that is cut short. */
function offsetOfFault(bytes: string): number {
  const significant = [...bytes.matchAll(/[^\r\n]/g)];
  const wrong = significant.findIndex(([byte]) => !alphabet.test(byte));
  const index = wrong < 0 ? significant.length : wrong;
  const place = index % 4;
  if (wrong < 0) return bytes.length - place;
  const at = significant[wrong]?.index ?? 0;
  if (significant[wrong]?.[0] !== "=" || place < 2) return at;
  return offsetBehindPadding(bytes, significant, wrong, place);
}

/** The first "=" is where one may be: what follows it is at fault. */
function offsetBehindPadding(
  bytes: string,
  significant: readonly RegExpExecArray[],
  first: number,
  place: number,
): number {
  const next = significant[first + 1];
  if (place === 2) {
    if (next === undefined) return bytes.length;
    if (next[0] !== "=") return next.index - 1;
    return significant[first + 2]?.index ?? bytes.length;
  }
  return next?.index ?? bytes.length;
}
