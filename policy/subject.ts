import type { UntrustedSignature } from "../sigstore/signature.ts";
import type { Digest } from "../src/core/digest.ts";
import type { ImageReference } from "../src/core/image-reference.ts";

/** An image before it is trusted: what it is called, what its manifest hashes to, and who may have signed it. */
export interface PolicySubject {
  readonly reference: ImageReference;
  /** The sha256, whatever the image was asked for by: signatures by others never match. */
  readonly manifestDigest: Digest;
  /** Fetched only if some requirement asks; a place of signatures that is out of reach rejects, and is not empty. */
  signatures(): Promise<readonly UntrustedSignature[]>;
  /** The bundles of cosign 3; absent where the image's place cannot have any. As with signatures in all else. */
  readonly bundles?: () => Promise<readonly Uint8Array[]>;
}
