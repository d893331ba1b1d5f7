import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { Digest } from "../core/digest.ts";
import type { WantedPlatform } from "../core/platform.ts";

/** One blob that an image needs, in the manifest's order, each digest once. */
export interface EventBlob {
  readonly digest: Digest;
  /** Bytes, or -1 where the manifest does not tell (schema 1). */
  readonly size: number;
  /** Which of the manifest's layers it is, counted from 0: more than one where it is listed again. */
  readonly positions: readonly number[];
}

/**
 * What happens while images are copied, told as it happens; the edge makes log lines and progress bars of it.
 *
 * `instance` counts the images of a list from 0; it is absent where a single image is copied and in what is said of a
 * list itself. Instances are copied in parallel: their events interleave.
 */
export type CopyEvent = { readonly instance?: number } & (
  | { readonly type: "signatures-reading"; readonly of: "image" | "list" }
  | { readonly type: "signatures-checking"; readonly of: "image" | "list" }
  /** `lacked`: platforms that were asked for, and that the list has not. */
  | {
      readonly type: "instances-chosen";
      readonly chosen: number;
      readonly held: number;
      readonly lacked?: readonly string[];
    }
  | {
      readonly type: "instance-started";
      readonly manifest: Digest;
      readonly position: number;
      readonly count: number;
    }
  | { readonly type: "admitted"; readonly manifest: Digest }
  /** The image is for none of the platforms `wanted` where it goes to be run. */
  | {
      readonly type: "other-platform";
      readonly platform: Required<WantedPlatform>;
      readonly wanted: readonly Required<WantedPlatform>[];
    }
  /** Layers that will be adopted or moved; the config is told of by "config-copying". */
  | { readonly type: "blobs-planned"; readonly blobs: readonly EventBlob[] }
  | {
      readonly type: "blob-adopted";
      readonly blob: Digest;
      readonly size: number;
      readonly how: "held" | "mounted" | "shared";
    }
  /** `sent` counts source bytes; may fall back after a resume. */
  | {
      readonly type: "blob-moving";
      readonly blob: Digest;
      readonly size: number;
      readonly sent: number;
    }
  | {
      readonly type: "blob-copied";
      readonly blob: Digest;
      readonly size: number;
      readonly written: number;
    }
  | { readonly type: "config-copying"; readonly config: Digest; readonly size: number }
  | { readonly type: "manifest-writing"; readonly of: "image" | "list" }
  /** A signer is asked for its signature; `position` counts the signers from 1. */
  | {
      readonly type: "signing";
      readonly of: "image" | "list";
      readonly format: UntrustedSignature["format"];
      readonly position: number;
      readonly count: number;
    }
  | { readonly type: "signed"; readonly manifest: Digest; readonly keyId: string }
  | { readonly type: "signatures-storing"; readonly of: "image" | "list" }
  /** Nothing more will be said of this instance. */
  | { readonly type: "instance-copied" }
  /** The destination held the very same image; nothing was copied. `blobs` where the manifest was read. */
  | { readonly type: "already-there"; readonly manifest: Digest }
);

/** Takes note of what happens; it must neither throw nor wait. */
export type Report = (event: CopyEvent) => void;
