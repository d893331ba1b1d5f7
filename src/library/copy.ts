import type { Gate } from "../../policy/gate.ts";
import type { Signer } from "../../sigstore/signer.ts";
import { copy } from "../copy/copy.ts";
import type { CopyEvent } from "../copy/events.ts";
import type { CompressionWish, ImageSelection } from "../copy/options.ts";
import { createTransfers } from "../copy/transfers.ts";
import type { Digest } from "../core/digest.ts";
import type { DockerReference } from "../core/docker-reference.ts";
import { UsageError } from "../core/errors.ts";
import type { Platform } from "../core/platform.ts";
import { Compression } from "../stream/recompress.ts";
import type { Place } from "./transports.ts";

/** One copy. */
export interface CopyImageOptions {
  readonly from: Place;
  readonly to: Place;
  /** Who is trusted: see `amphora/policy`. Not optional. */
  readonly gate: Gate;
  /** The platform chosen from a list, and of a list only that; see `select`. */
  readonly platform: Platform;
  /** By default `{ type: "system" }`: the one image for `platform`. */
  readonly select?: ImageSelection;
  /** Media type to convert manifests to. */
  readonly manifestType?: string;
  readonly preserveDigests?: boolean;
  readonly removeSignatures?: boolean;
  /** Each signs every manifest that is written: see `amphora/signatures`. */
  readonly signers?: readonly Signer[];
  /** What the signatures claim; by default the destination's own name. `parseReference` makes one. */
  readonly signIdentity?: DockerReference;
  readonly compression?: CompressionWish;
  /** Blobs moved at once, at least 1; 6 by default. */
  readonly parallel?: number;
  readonly report?: (event: CopyEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * Copies an image or a list of images.
 *
 * @returns the digest of the manifest written
 * @throws {PolicyError} `policy.refused`
 * @throws {CopyError}
 * @throws {UsageError} `usage.bad-flag` for a `parallel` that is no whole number from 1
 */
export async function copyImage(options: CopyImageOptions): Promise<Digest> {
  const { from, to, gate, platform, parallel = 6 } = options;
  if (!Number.isInteger(parallel) || parallel < 1)
    throw new UsageError(
      "usage.bad-flag",
      `parallel is ${parallel}, and not a whole number from 1`,
    );
  return await copy({
    from,
    to,
    gate,
    options: {
      select: options.select ?? { type: "system" },
      platform,
      preserveDigests: options.preserveDigests ?? false,
      removeSignatures: options.removeSignatures ?? false,
      compression: options.compression ?? { force: false },
      ...(options.manifestType !== undefined && { manifestType: options.manifestType }),
    },
    ...(options.signers && {
      signing: {
        signers: options.signers,
        ...(options.signIdentity && { identity: options.signIdentity }),
      },
    }),
    transfers: createTransfers(parallel),
    compression: new Compression(),
    report: options.report ?? (() => {}),
    signal: options.signal ?? new AbortController().signal,
    tellLayers: false,
  });
}
