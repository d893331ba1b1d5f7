import type { SigstoreSignature } from "../../../../sigstore/cosign/attachment.ts";
import type { SigstoreTrust } from "../../../../sigstore/verifiers.ts";
import { digestOf } from "../../../../src/core/digest.ts";
import { type TestKey, testKey } from "../../../support/certificates.ts";
import { payloadFor, signatureBy } from "../../../support/sigstore.ts";

/** One signature held against one requirement: by us in `verifier.test.ts`, by skopeo 1.22 in `record.ts`. */
export interface VerifyCase {
  /** `specs/signing.md`'s number where it has one. */
  readonly name: string;
  readonly trust: SigstoreTrust;
  readonly signature: SigstoreSignature;
  /** Where we refuse what skopeo accepts: why. We never accept what it refuses. */
  readonly stricter?: string;
  /** Refused by both, and told in other words: why. */
  readonly ownWords?: string;
}

/** The config and manifest of the image that is signed. */
export const config = Buffer.from(
  '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}',
);
export const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: digestOf(config),
      size: config.length,
    },
    layers: [],
  }),
);
export const manifestDigest = digestOf(manifest);
export const reference = "registry.example.com/ns/one:v1";
export const payload = payloadFor(manifestDigest, reference);

export const signer = testKey("p256");
export const other = testKey("p256");

export function keys(...files: readonly (TestKey | string)[]): SigstoreTrust {
  return {
    identity: {
      type: "keys",
      keys: files.map((file) => Buffer.from(typeof file === "string" ? file : file.pem)),
    },
  };
}

export function goodSignature(key = signer): SigstoreSignature {
  return signatureBy(key, payload);
}
