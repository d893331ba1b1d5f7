import { isUtf8 } from "node:buffer";
import { type ByteString, isAscii } from "../tar/byte-string.ts";

/** The line of a raw segment: bytes of the tar as they are. */
export function segmentLine(bytes: Buffer, position: number): string {
  return `{"type":2,"payload":"${bytes.toString("base64")}","position":${position}}\n`;
}

/**
 * The line of an entry. With a sum, its payload of `size` bytes is what the file of that name holds; without one, nothing of
 * the tar stands in its place.
 */
export function entryLine(name: ByteString, size: number, sum: Buffer | null, position: number) {
  const payload = sum ? `"${sum.toString("base64")}"` : "null";
  const length = size > 0 ? `"size":${size},` : "";
  return `{"type":1,${nameMember(name)}${length}"payload":${payload},"position":${position}}\n`;
}

function nameMember(name: ByteString): string {
  if (name === "") return "";
  if (isAscii(name)) return `"name":${JSON.stringify(name)},`;
  const bytes = Buffer.from(name, "latin1");
  if (isUtf8(bytes)) return `"name":${JSON.stringify(bytes.toString())},`;
  return `"name_raw":"${bytes.toString("base64")}",`;
}
