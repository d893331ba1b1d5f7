import { CopyError } from "../core/errors.ts";

/** What a blob's first bytes say it is packed with; plain content has no format. */
export type CompressionFormat = "gzip" | "zstd" | "bzip2" | "xz";

/** What new blobs can be packed with; zstd:chunked is zstd to who does not know it. */
export type WritableFormat = "gzip" | "zstd" | "zstd:chunked";

/** What a format is to who does not know its finer points. */
export function baseFormat(format: WritableFormat): "gzip" | "zstd" {
  return format === "zstd:chunked" ? "zstd" : format;
}

/** As many first bytes as {@link detectCompression} ever looks at. */
export const magicBytes = 6;

const magics: readonly (readonly [CompressionFormat, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];

/**
 * The format of content that begins with `head`, by magic bytes and nothing else: media types lie. A zstd stream may
 * begin with a skippable frame — RFC 8878 § 3.1.2; zstd:chunked is zstd to these eyes.
 */
export function detectCompression(head: Uint8Array): CompressionFormat | undefined {
  const found = magics.find(([, magic]) => magic.every((byte, at) => head[at] === byte));
  return found?.[0] ?? (startsWithSkippableFrame(head) ? "zstd" : undefined);
}

function startsWithSkippableFrame(head: Uint8Array): boolean {
  const [first = 0, second, third, fourth] = head;
  return (first & 0xf0) === 0x50 && second === 0x2a && third === 0x4d && fourth === 0x18;
}

/**
 * What `--dest-compress-format` names. The names and texts are skopeo's, odd capital included.
 *
 * @throws {CopyError} `copy.unsupported` for one that is unknown or that nothing here writes
 */
export function parseWritableFormat(name: string): WritableFormat {
  if (name === "gzip" || name === "zstd" || name === "zstd:chunked") return name;
  if (name === "bzip2" || name === "Xz") {
    throw new CopyError(
      "copy.unsupported",
      `compression using ${name} required, but none of the known manifest formats support it`,
      { hint: "Choose gzip, zstd or zstd:chunked." },
    );
  }
  throw new CopyError("copy.unsupported", `cannot find compressor for "${name}"`, {
    hint: "Choose gzip, zstd or zstd:chunked.",
  });
}
