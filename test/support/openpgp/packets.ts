/** A packet with a new header and a length of five octets, as every reader takes. */
export function packet(tag: number, ...body: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([Buffer.from([0xc0 | tag, 0xff]), uint32(content.length), content]);
}

/** The same with an old header and a length of 1, 2 or 4 octets, or with none. */
export function oldPacket(
  tag: number,
  size: 0 | 1 | 2 | 4,
  ...body: readonly Uint8Array[]
): Buffer {
  const content = Buffer.concat(body);
  const kind = { 1: 0, 2: 1, 4: 2, 0: 3 }[size];
  const length = uint32(content.length).subarray(4 - size);
  return Buffer.concat([Buffer.from([0x80 | (tag << 2) | kind]), length, content]);
}

/** The same cut in pieces: each of `powers` is that of two of one piece's length. */
export function partialPacket(tag: number, powers: readonly number[], body: Uint8Array): Buffer {
  const parts: Uint8Array[] = [Buffer.from([0xc0 | tag])];
  let at = 0;
  for (const power of powers) {
    parts.push(Buffer.from([0xe0 | power]), body.subarray(at, at + 2 ** power));
    at += 2 ** power;
  }
  return Buffer.concat([
    ...parts,
    Buffer.from([0xff]),
    uint32(body.length - at),
    body.subarray(at),
  ]);
}

/** A subpacket of a signature. */
export function subpacket(type: number, content: Uint8Array, critical = false): Buffer {
  const size = Buffer.from([0xff, ...uint32(content.length + 1)]);
  return Buffer.concat([size, Buffer.from([critical ? type | 0x80 : type]), content]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint16(value: number): Buffer {
  return uint32(value).subarray(2);
}

/** A multiprecision integer. */
export function mpi(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const value = first < 0 ? Buffer.alloc(0) : bytes.subarray(first);
  const bits = value.length * 8 - (Math.clz32(value[0] ?? 0) - 24);
  return Buffer.concat([uint16(value.length === 0 ? 0 : bits), value]);
}
