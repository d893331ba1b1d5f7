import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { EncryptionError } from "./errors.ts";

// The one cipher of encrypted layers: AES-256-CTR, and HMAC-SHA256 under the same key over what it made — ocicrypt's
// AES_256_CTR_HMAC_SHA256, as in containers' "encrypted container images" proposal to the OCI image-spec.

const keyBytes = 32;
const nonceBytes = 16;

/** What one layer is encrypted with. */
export interface LayerKey {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
}

/** A new key, for one layer and no other. */
export function newLayerKey(): LayerKey {
  return { key: randomBytes(keyBytes), nonce: randomBytes(nonceBytes) };
}

/** @throws {EncryptionError} `encryption.bad-layer` for one of another length */
export function checkLayerKey({ key, nonce }: LayerKey): void {
  if (key.byteLength === keyBytes && nonce.byteLength === nonceBytes) return;
  throw new EncryptionError(
    "encryption.bad-layer",
    key.byteLength === keyBytes
      ? `invalid nonce length of ${nonce.byteLength} bytes; need ${nonceBytes} bytes`
      : `invalid key length of ${key.byteLength} bytes; need ${keyBytes} bytes`,
  );
}

/** The bytes encrypted: as many as went in. @param ended told the HMAC of them all */
export async function* encryptedBytes(
  plain: AsyncIterable<Uint8Array>,
  { key, nonce }: LayerKey,
  ended: (hmac: Buffer) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const cipher = createCipheriv("aes-256-ctr", key, nonce);
  const hmac = createHmac("sha256", key);
  for await (const chunk of plain) {
    const encrypted = cipher.update(chunk);
    hmac.update(encrypted);
    yield encrypted;
  }
  ended(hmac.digest());
}

/**
 * The bytes decrypted; the last of them only once all were found to be what was encrypted.
 *
 * @throws {EncryptionError} `encryption.bad-layer` at the end of others
 */
export async function* decryptedBytes(
  encrypted: AsyncIterable<Uint8Array>,
  { key, nonce }: LayerKey,
  expected: Uint8Array,
): AsyncGenerator<Uint8Array, void, void> {
  const cipher = createDecipheriv("aes-256-ctr", key, nonce);
  const hmac = createHmac("sha256", key);
  let last: Uint8Array | undefined;
  for await (const chunk of encrypted) {
    if (last) yield last;
    hmac.update(chunk);
    last = cipher.update(chunk);
  }
  const actual = hmac.digest();
  if (!actual.equals(expected)) {
    throw new EncryptionError(
      "encryption.bad-layer",
      `could not properly decrypt byte stream; exp hmac: '${Buffer.from(expected).toString("hex")}', actual hmac: '${actual.toString("hex")}'`,
    );
  }
  if (last) yield last;
}
