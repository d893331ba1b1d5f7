import type { Digest } from "../core/digest.ts";
import type { RawManifest } from "../core/manifest.ts";
import type { ServerCall } from "./caller.ts";
import type { ServedRepository } from "./repository-name.ts";

/** A manifest that is about to become visible. */
export interface PushedManifest {
  readonly repository: ServedRepository;
  readonly manifest: RawManifest;
  /** Empty where it was pushed by digest alone: then nothing is signed yet. */
  readonly tags: readonly string[];
  /** The manifest of an instance of a pushed index, from the same repository. */
  readInstance(digest: Digest): Promise<RawManifest | undefined>;
}

/** Signs what is pushed, by the rules of the configuration. */
export interface PushSigning {
  /**
   * Makes and keeps the signatures that the rules ask for, of the manifest and of an index's instances; once each. Where no
   * rule speaks of it, nothing is done.
   *
   * @throws {RegistryAnswerError} 403 DENIED where a rule demands what the image has not; 503 where the signer is not there:
   *   the push is then refused, so that nothing unsigned becomes visible
   */
  sign(pushed: PushedManifest, call: ServerCall): Promise<void>;
}
