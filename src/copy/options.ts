import type { Platform } from "../core/platform.ts";
import type { WritableFormat } from "../stream/compression-format.ts";

/** Which images of a list are copied. */
export type ImageSelection =
  | { readonly type: "system" }
  | { readonly type: "all" }
  | { readonly type: "index-only" }
  /** These platforms, in a rebuilt index; all of them, unless it may lack some. */
  | {
      readonly type: "platforms";
      readonly platforms: readonly Platform[];
      readonly mayLack?: boolean;
    };

/** How layers are to be compressed where they are at all. */
export interface CompressionWish {
  readonly format?: WritableFormat;
  readonly level?: number;
  /** Do not take over blobs that the destination holds in another compression. */
  readonly force: boolean;
}

/** What a user may ask of one copy. Plain data: the same for every image of the run. */
export interface CopyOptions {
  readonly select: ImageSelection;
  /** The platform chosen from a list under "system". */
  readonly platform: Platform;
  /** Media type of an image manifest to force. */
  readonly manifestType?: string;
  readonly preserveDigests: boolean;
  /** Signatures are neither fetched for carrying along nor missed. */
  readonly removeSignatures: boolean;
  readonly compression: CompressionWish;
}
