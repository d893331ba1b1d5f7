/** Blocks of ASCII armour — RFC 9580 § 6.2. Text outside of them is nobody's concern. */
const blocks =
  /^-----BEGIN PGP (PUBLIC|PRIVATE) KEY BLOCK-----[ \t]*\r?$\n([\s\S]*?)^-----END PGP \1 KEY BLOCK-----[ \t]*\r?$/gm;

/** The key blocks in `bytes`: they themselves where they are binary, each armoured one otherwise; damaged ones are left out. */
export function readKeyBlocks(bytes: Uint8Array): readonly Uint8Array[] {
  if ((bytes[0] ?? 0) >= 0x80) return [bytes];
  const text = Buffer.from(bytes).toString("latin1");
  return [...text.matchAll(blocks)].flatMap((match) => decodeBlock(match[2] ?? "") ?? []);
}

// block = *( name ": " value newline ) newline 1*( base64 newline ) [ "=" checksum newline ]
function decodeBlock(text: string): Uint8Array | undefined {
  const lines = text.split("\n").map((line) => line.trimEnd());
  const blank = lines.indexOf("");
  const areHeaders = lines
    .slice(0, Math.max(blank, 0))
    .every((line) => /^[^:]+: /.test(`${line} `));
  if (blank < 0 || !areHeaders) return undefined;
  const content = lines.slice(blank + 1).filter((line) => line !== "");
  const checksum = content.at(-1)?.match(/^=([A-Za-z0-9+/]{4})$/)?.[1];
  const base64 = (checksum === undefined ? content : content.slice(0, -1)).join("");
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined;
  const bytes = Buffer.from(base64, "base64");
  const expected = checksum === undefined ? undefined : Buffer.from(checksum, "base64");
  return expected === undefined || expected.readUIntBE(0, 3) === crc24(bytes) ? bytes : undefined;
}

/** RFC 9580 § 6.1.1. */
function crc24(bytes: Uint8Array): number {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb;
    }
  }
  return crc & 0xffffff;
}
