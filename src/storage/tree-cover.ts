import type { ByteString } from "../stream/tar/byte-string.ts";

/**
 * What a layer that was unpacked into an empty folder hides of the tree that it is to stand upon, besides what it has of the same
 * names. Paths are real ones from the root, without slashes around them.
 */
export interface TreeCover {
  /** Nothing is taken over to these paths, nor below them. */
  readonly hidden: ReadonlySet<ByteString>;
  /** Nothing is taken over into these folders; "" is the root. */
  readonly opaque: ReadonlySet<ByteString>;
  /** The root folder keeps the owner, mode and times that it has. */
  readonly rootSet: boolean;
}

/** Hides nothing. */
export const noCover: TreeCover = { hidden: new Set(), opaque: new Set(), rootSet: false };
