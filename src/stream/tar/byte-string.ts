/**
 * Bytes as a string, one character of 0 to 255 a byte: what a tar says in names and values, which need not be UTF-8. Such
 * strings compare, cut and work as keys like any other; those of ASCII are their own text.
 */
export type ByteString = string;

/** The text that the bytes are in UTF-8; what is not UTF-8 becomes U+FFFD. */
export function textOf(bytes: ByteString): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

/** The bytes of a text in UTF-8. */
export function bytesOf(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** True where every character is below 128, so that bytes and text are one. */
export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}
