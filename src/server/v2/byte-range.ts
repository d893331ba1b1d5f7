import type { ByteRange } from "./backend.ts";

/**
 * What a Range header asks of `size` bytes: a range, or `whole` where there is none, it cannot be read, or it asks for several; or
 * `unsatisfiable`, to be answered 416.
 *
 * RFC 9110 § 14.2; one range is enough for every client of registries.
 */
export function parseByteRange(
  header: string | undefined,
  size: number,
): ByteRange | "whole" | "unsatisfiable" {
  const [, first, last] = /^\s*bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*$/i.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return "whole";
  // No range is of nothing; clients that ask for one always are better off with nothing, as of Go's servers.
  if (size === 0) return "whole";
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size };
  }
  const start = Number(first);
  // RFC 9110 has a reversed range ignored; the conformance suite wants it refused, and distribution does.
  if (start >= size || (last !== "" && Number(last) < start)) return "unsatisfiable";
  return { start, end: last === "" ? size : Math.min(Number(last) + 1, size) };
}

/** What a Range header tells before the size is known: nothing where it counts from the end. */
export function hintedRange(header: string | undefined): ByteRange | undefined {
  const range = parseByteRange(header, Number.MAX_SAFE_INTEGER);
  const counted = header !== undefined && /=\s*-/.test(header);
  return typeof range === "object" && !counted ? range : undefined;
}

/** What a client says of the bytes it sends: first and last, both included; undefined where it says nothing. */
export type SentRange = { readonly first: number; readonly last: number } | undefined;

/**
 * Reads the Content-Range of an upload's piece: `0-1023`, and with the unit and total that HTTP has for downloads.
 *
 * @returns `"bad"` where it cannot be meant — OCI distribution-spec § Pushing a blob in chunks
 */
export function parseSentRange(header: string | undefined): SentRange | "bad" {
  if (header === undefined || header.trim() === "") return undefined;
  const match =
    /^\s*(?:bytes[ =])?\s*([0-9]{1,15})-([0-9]{1,15})(?:\/(?:[0-9]{1,15}|\*))?\s*$/.exec(header);
  if (match === null) return "bad";
  const [first, last] = [Number(match[1]), Number(match[2])];
  return last < first ? "bad" : { first, last };
}
