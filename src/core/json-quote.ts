/** The first UTF-8 byte of a character, quoted as Go does: its scanner knows only bytes. */
export function quoteByte(character: number): string {
  if (character >= 0xdc80 && character <= 0xdcff) return quoteLatin1(character - 0xdc00);
  return quoteLatin1(Buffer.from(String.fromCodePoint(character))[0] ?? 0);
}

function quoteLatin1(byte: number): string {
  if (byte === 0x27) return "'\\''";
  if (byte === 0x22) return "'\"'";
  const named = { 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r" }[byte];
  if (named !== undefined) return `'${named}'`;
  if (byte === 0x5c) return "'\\\\'";
  const hex = byte.toString(16).padStart(2, "0");
  if (byte < 0x20 || byte === 0x7f) return `'\\x${hex}'`;
  const printable = byte < 0x7f || (byte > 0xa0 && byte !== 0xad);
  return printable ? `'${String.fromCharCode(byte)}'` : `'\\u00${hex}'`;
}
