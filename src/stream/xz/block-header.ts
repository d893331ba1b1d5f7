import { invalid } from "./errors.ts";
import { endsInSum, Fields } from "./fields.ts";

/** What stands before a block; sizes where they are said. */
export interface BlockHeader {
  readonly packedBytes?: number | undefined;
  readonly plainBytes?: number | undefined;
  /** How far back its LZMA2 may look. */
  readonly windowBytes: number;
}

const lzma2 = 0x21;

/**
 * Reads a block's header, all of it: size, flags, sizes, the filter, zeros, a sum. As with the Go tools, LZMA2 is the only filter
 * there may be, and the zeros may be any number — `xz-file-format` 3.1.
 *
 * @throws {ContentError} `content.bad-compression`
 */
export function parseBlockHeader(bytes: Uint8Array): BlockHeader {
  if (!endsInSum(bytes)) throw invalid("xz: checksum error for block header");
  const fields = new Fields(bytes.subarray(1, -4));
  const flags = fields.byte();
  if ((flags & 0x3c) !== 0) throw invalid("xz: reserved block header flags set");
  const packedBytes = (flags & 0x40) === 0 ? undefined : fields.number();
  const plainBytes = (flags & 0x80) === 0 ? undefined : fields.number();
  if ((flags & 3) !== 0) throw invalid("xz: unsupported filter count");
  if (fields.number() !== lzma2) throw invalid("xz: invalid filter id");
  if (fields.byte() !== 1) throw invalid("xz: wrong LZMA2 filter size");
  const windowBytes = parseWindowBytes(fields.byte());
  if (!fields.isPadding()) throw invalid("xz: padding (4 zero bytes) encountered");
  return { packedBytes, plainBytes, windowBytes };
}

/** Two bits of a number, and how far they are shifted. */
function parseWindowBytes(code: number): number {
  if (code > 40) throw invalid("xz: wrong LZMA2 dictionary size property");
  return code === 40 ? 2 ** 32 - 1 : (2 | (code & 1)) * 2 ** (11 + (code >> 1));
}
