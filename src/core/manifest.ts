import type { Digest } from "./digest.ts";

/** A manifest as its bytes: exactly what was signed and will be written. */
export interface RawManifest {
  /** Decided from Content-Type and content together; never a wildcard or `text/plain`. */
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}
