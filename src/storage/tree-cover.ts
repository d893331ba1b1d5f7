import type { ByteString } from "../stream/tar/byte-string.ts";

/**
 * What a layer that was unpacked upon nothing makes of the tree that it is to stand upon, besides having other things of the same
 * names. Paths are real ones from the root, without slashes around them; "" is the root.
 */
export interface TreeCover {
  /** Nothing is taken over to these paths, nor below them. */
  readonly hidden: ReadonlySet<ByteString>;
  /** Nothing is taken over into these folders. */
  readonly opaque: ReadonlySet<ByteString>;
  /**
   * Folders that were made because entries lie in them: below, they have to be folders or nothing. `bare` ones are as they are below;
   * `stated` ones got an entry of their own afterwards.
   */
  readonly implied: ReadonlyMap<ByteString, "bare" | "stated">;
}
