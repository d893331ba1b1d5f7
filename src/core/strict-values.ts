import { decodeGoBase64 } from "./go-base64.ts";
import { type JsonNode, JsonNumber } from "./json-text.ts";
import { cannotUnmarshal, type Reader } from "./strict-members.ts";

/** A string; null reads as "", as in Go. @throws {ContentError} `content.bad-json` */
export function readString(value: JsonNode): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  throw cannotUnmarshal(value, "string");
}

/** Strings; null reads as undefined, which is not the same as none. @throws {ContentError} `content.bad-json` */
export const readStrings: Reader<readonly string[] | undefined> = (value) =>
  readList(value, "[]string", readString);

/**
 * Bytes as Go reads them: base64, or a list of numbers; null reads as undefined, which is not the same as none.
 *
 * @throws {ContentError} `content.bad-json` or `content.bad-base64`
 */
export function readBytes(value: JsonNode): Uint8Array | undefined {
  if (typeof value === "string") return decodeGoBase64(value);
  const bytes = readList(value, "[]uint8", readByte);
  return bytes && Uint8Array.from(bytes);
}

/** Lists of bytes; null among them reads as no bytes. @throws as {@link readBytes} */
export const readByteLists: Reader<readonly Uint8Array[] | undefined> = (value) =>
  readList(value, "[][]uint8", (item) => readBytes(item) ?? new Uint8Array());

function readList<T>(value: JsonNode, goType: string, read: Reader<T>): readonly T[] | undefined {
  if (value === null) return undefined;
  if (!Array.isArray(value)) throw cannotUnmarshal(value, goType);
  return value.map(read);
}

function readByte(value: JsonNode): number {
  if (value === null) return 0;
  if (!(value instanceof JsonNumber)) throw cannotUnmarshal(value, "uint8");
  const isByte = /^\d{1,3}$/.test(value.text) && Number(value.text) <= 255;
  if (isByte) return Number(value.text);
  throw cannotUnmarshal(value, "uint8");
}
