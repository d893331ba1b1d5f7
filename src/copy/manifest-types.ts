import { CopyError } from "../core/errors.ts";
import { isImageManifestType, isIndexType, isSchema1Type, mediaTypes } from "../core/media-type.ts";
import { baseFormat, type WritableFormat } from "../stream/compression-format.ts";

/** What decides which manifest types are tried. */
export interface TypeWish {
  /** Type of the source manifest. */
  readonly source: string;
  /** Types the destination takes, the best first; empty if it takes any. */
  readonly destination: readonly string[];
  /** `--format`. */
  readonly forced?: string;
  /** A compression that the manifest must be able to express. */
  readonly compression?: WritableFormat;
  /** Layers are or will be encrypted, which only OCI manifests express. */
  readonly encrypted?: boolean;
  /** Why the manifest must stay as it is, or undefined where it may change. */
  readonly keepBecause?: string;
}

const preferred = [mediaTypes.dockerManifest, mediaTypes.schema1Signed];
const every = [
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  mediaTypes.schema1Signed,
  mediaTypes.schema1,
];

/**
 * The manifest types to try, in order: the source's own if it will do, then schema 2, signed schema 1, then whatever
 * else the destination takes — `specs/skopeo-cli.md` 3.3.
 *
 * @throws {CopyError} `copy.unsupported` where none can express what is asked
 */
export function manifestTypesToTry(wish: TypeWish): readonly [string, ...string[]] {
  const own = ownTypeOf(wish.source);
  const taken = wish.forced ? [wish.forced] : wish.destination.filter((type) => !isIndexType(type));
  if (taken.length === 0 && expresses(own, wish)) return [own];
  const candidates = (taken.length === 0 ? every : taken).filter((type) => expresses(type, wish));
  if (candidates.length === 0) throw inexpressible(wish);
  if (wish.keepBecause !== undefined) return [own];
  const [first, ...rest] = new Set([
    ...(candidates.includes(own) ? [own] : []),
    ...preferred.filter((type) => candidates.includes(type)),
    ...candidates,
  ]);
  return [first ?? own, ...rest];
}

/** Unsigned schema 1 is handled as it is; anything that is no image manifest is left alone. */
function ownTypeOf(type: string): string {
  return isImageManifestType(type) || isSchema1Type(type) ? type : mediaTypes.ociManifest;
}

function expresses(type: string, { compression, encrypted }: TypeWish): boolean {
  const isZstd = compression !== undefined && baseFormat(compression) === "zstd";
  return (!isZstd && !encrypted) || type === mediaTypes.ociManifest;
}

function inexpressible(wish: TypeWish): CopyError {
  if (wish.encrypted) {
    return new CopyError(
      "copy.unsupported",
      wish.forced
        ? `encryption required together with format ${wish.forced}, which does not support encryption`
        : `encryption required but the destination only supports MIME types [${wish.destination.join(", ")}], none of which support encryption`,
    );
  }
  return new CopyError(
    "copy.unsupported",
    wish.forced
      ? `compression using ${wish.compression} required together with format ${wish.forced}, which does not support it`
      : `compression using ${wish.compression} required but the destination only supports MIME types [${wish.destination.join(", ")}], none of which support it`,
  );
}

/**
 * The index types to try — containers/image's list conversion: the source's own if the destination takes it, then what
 * else it takes of the two.
 *
 * @throws {CopyError} `copy.unsupported` where the destination takes no index
 */
export function indexTypesToTry(wish: {
  readonly source: string;
  readonly destination: readonly string[];
  readonly forced?: string;
}): readonly [string, ...string[]] {
  const forced = wish.forced === undefined ? undefined : indexTypeFor(wish.forced);
  const taken = forced
    ? [forced]
    : wish.destination.length === 0
      ? [wish.source]
      : wish.destination.filter(isIndexType);
  const [first, ...rest] = new Set([...taken.filter((type) => type === wish.source), ...taken]);
  if (first === undefined) {
    throw new CopyError(
      "copy.unsupported",
      "determining manifest list type to write to destination: Internal error: no candidate MIME types",
    );
  }
  return [first, ...rest];
}

function indexTypeFor(manifestType: string): string {
  if (isIndexType(manifestType)) return manifestType;
  return manifestType === mediaTypes.ociManifest ? mediaTypes.ociIndex : mediaTypes.dockerList;
}
