import type { KeyObject } from "node:crypto";
import { isSigned } from "./public-key.ts";

/** What a DSSE signature is made over — DSSE protocol § Signature Definition. */
export function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

const hashes = { prime256v1: "sha256", secp384r1: "sha384", secp521r1: "sha512" } as const;

/** Whether `key` made a bundle's signature over `data`: with the hash that belongs to its curve, unlike in attachments. */
export function isSignedForBundle(
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  switch (key.asymmetricKeyType) {
    case "ec": {
      const curve = key.asymmetricKeyDetails?.namedCurve as keyof typeof hashes | undefined;
      const hash = curve && hashes[curve];
      return hash !== undefined && isSigned(hash, key, data, signature);
    }
    case "rsa":
      return isSigned("sha256", key, data, signature);
    case "ed25519":
      return isSigned(null, key, data, signature);
    default:
      return false;
  }
}
