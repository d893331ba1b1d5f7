import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { SignatureError } from "../errors.ts";
import { decodePem, encodePem, pemText } from "./pem.ts";
import { parseSpki, spkiOf } from "./public-key.ts";
import { closeBox, openBox } from "./secret-box.ts";

/** cosign's names for an encrypted private key, now and before; the older is understood by everybody. */
const pemTypes = {
  cosign: "ENCRYPTED COSIGN PRIVATE KEY",
  sigstore: "ENCRYPTED SIGSTORE PRIVATE KEY",
} as const;

/** The two files of a key pair. */
export interface KeyFiles {
  /** Encrypted: for its owner's eyes all the same. */
  readonly privateKey: string;
  readonly publicKey: string;
}

/**
 * The private key in an encrypted key file: ECDSA on P-256, P-384 or P-521, RSA, Ed25519 — `specs/signing.md` 4.7.
 *
 * @param passphrase may be empty, which is not the same as none
 * @throws {SignatureError} `signature.cannot-sign`, in the reference's words
 */
export async function openKeyFile(file: Uint8Array, passphrase: Uint8Array): Promise<KeyObject> {
  const block = decodePem(pemText(file));
  if (!block) throw bad("invalid pem block");
  if (block.type !== pemTypes.cosign && block.type !== pemTypes.sigstore) {
    throw bad(`unsupported pem type: ${block.type}`);
  }
  const der = await openOrSay(block.bytes, passphrase);
  return checked(importKey(der));
}

/** A new P-256 key pair as `skopeo generate-sigstore-key` makes it. */
export async function generateKeyFiles(passphrase: Uint8Array): Promise<KeyFiles> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  return {
    privateKey: await closeKeyFile(privateKey, passphrase),
    publicKey: encodePem("PUBLIC KEY", spkiOf(publicKey)),
  };
}

/** A private key as an encrypted key file. */
export async function closeKeyFile(key: KeyObject, passphrase: Uint8Array): Promise<string> {
  const der = key.export({ format: "der", type: "pkcs8" });
  return encodePem(pemTypes.cosign, await closeBox(der, passphrase));
}

async function openOrSay(box: Uint8Array, passphrase: Uint8Array): Promise<Uint8Array> {
  try {
    return await openBox(box, passphrase);
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw bad(`decrypt: ${error.message}`, error);
  }
}

function importKey(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
  } catch (cause) {
    throw bad("parsing private key: it is no PKCS #8", cause);
  }
}

/** What nobody here would verify is not signed with. */
function checked(key: KeyObject): KeyObject {
  try {
    parseSpki(spkiOf(createPublicKey(key)));
    return key;
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw bad(`unsupported key type: ${error.message}`, error);
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.cannot-sign", message, { cause });
}
