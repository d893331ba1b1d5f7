import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { Digest } from "../core/digest.ts";
import type { ServedRepository } from "./repository-name.ts";

/** The one store of signatures behind all faces: what this server keeps, and what an upstream has of its own. */
export interface ServedSignatures {
  /**
   * The validated union, deduplicated, at most 127 and 3 MiB; empty where there are none. Our own first.
   *
   * @throws {KnownError} where an upstream's signatures cannot be read: that is never "none"
   */
  read(
    repository: ServedRepository,
    manifest: Digest,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly UntrustedSignature[]>;
  /** Those kept here alone: never fails for an upstream's sake. */
  readKept(
    repository: ServedRepository,
    manifest: Digest,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly UntrustedSignature[]>;
  /** Adds what is not there yet, byte for byte; durable when it returns. */
  add(
    repository: ServedRepository,
    manifest: Digest,
    signatures: readonly UntrustedSignature[],
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
  /** Bundles of cosign 3 that the registry holds as referrers. */
  readBundles(
    repository: ServedRepository,
    manifest: Digest,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly Uint8Array[]>;
  /**
   * Whether something of what was read last is what an upstream said before, since it cannot be asked now: it may let an
   * image in, and nobody may call the image unsigned because of it.
   */
  standsIn?(repository: ServedRepository, manifest: Digest): Promise<boolean>;
  /** Changes whenever an added or removed signature of this manifest does; for caches of decisions. */
  revision(repository: ServedRepository, manifest: Digest): number;
}
