import { generateKeyFiles } from "../../sigstore/cosign/key-file.ts";
import { createSigstoreSigner } from "../../sigstore/cosign/signer.ts";
import type { Signer } from "../../sigstore/signer.ts";
import { createGpgSigner } from "../../sigstore/simple-signing/gpg-signer.ts";
import { createKeyFileSigner } from "../../sigstore/simple-signing/key-file-signer.ts";

/** Which private key signs, and how. */
export type SigningKey =
  /** One in the user's GnuPG keyring, by fingerprint, key ID or e-mail address; its agent asks for a passphrase. */
  | { readonly type: "gpg"; readonly key: string; readonly passphrase?: string }
  /** What `gpg --export-secret-keys` writes: needs no GnuPG. */
  | { readonly type: "openpgp-file"; readonly bytes: Uint8Array; readonly passphrase?: string }
  /** What `generate-sigstore-key` and cosign write. */
  | { readonly type: "sigstore-file"; readonly bytes: Uint8Array; readonly passphrase: string };

/** A new pair of sigstore keys, as PEM. */
export interface SigstoreKeyPair {
  /** Encrypted by the passphrase. */
  readonly privateKey: string;
  readonly publicKey: string;
}

/**
 * A signer for `copyImage`. Dispose of it when the last image is signed.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function openSigner(key: SigningKey): Promise<Signer> {
  const details = { creator: "amphora library", now: () => new Date() };
  const passphrase = key.passphrase !== undefined && { passphrase: key.passphrase };
  switch (key.type) {
    case "gpg": {
      const { loadEnvironment } = await import("../config/load-environment.ts");
      const environment = loadEnvironment().variables;
      return await createGpgSigner({ key: key.key, environment, ...passphrase, ...details });
    }
    case "openpgp-file":
      return await createKeyFileSigner({ keyFile: key.bytes, ...passphrase, ...details });
    case "sigstore-file":
      return await createSigstoreSigner({
        keyFile: key.bytes,
        passphrase: new TextEncoder().encode(key.passphrase),
        ...details,
      });
  }
}

/** Keys for `{ type: "sigstore-file" }`, and for a policy's `sigstoreSigned`. */
export async function generateSigstoreKeys(passphrase: string): Promise<SigstoreKeyPair> {
  return await generateKeyFiles(new TextEncoder().encode(passphrase));
}
