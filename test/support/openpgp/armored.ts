/** ASCII armour around a key. */
export function armored(bytes: Uint8Array, kind: "PUBLIC" | "PRIVATE" = "PUBLIC"): Buffer {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  const checksum = Buffer.alloc(3);
  checksum.writeUIntBE(crc24(bytes), 0, 3);
  const name = `PGP ${kind} KEY BLOCK-----`;
  const text = [
    `-----BEGIN ${name}`,
    "",
    ...lines,
    `=${checksum.toString("base64")}`,
    `-----END ${name}`,
    "",
  ];
  return Buffer.from(text.join("\n"));
}

function crc24(bytes: Uint8Array): number {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc & 0x800000 ? 0x1864cfb : 0);
  }
  return crc & 0xffffff;
}
