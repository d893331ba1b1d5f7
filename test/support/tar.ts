/** A file of a tar: its name and what is in it. */
export interface TarEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const block = 512;

/** A tar (ustar) of regular files, the same bytes for the same input — POSIX pax § ustar Interchange Format. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { name, bytes } of entries) {
    parts.push(tarHeader(name, bytes.byteLength), bytes);
    parts.push(Buffer.alloc((block - (bytes.byteLength % block)) % block));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

/** The header of one regular file of `size` bytes. */
export function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(block);
  const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, "0");
  header.write(name, 0);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(0, 12), 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${octal(sum, 7)}\0 `, 148);
  return header;
}
