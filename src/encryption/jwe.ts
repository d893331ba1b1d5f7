import type { KeyObject } from "node:crypto";
import { EncryptionError } from "./errors.ts";

// A layer's key in a JSON Web Encryption (RFC 7516), once for each recipient: A256GCM under a key that RSA-OAEP or
// ECDH-ES+A256KW carries, as ocicrypt makes them.

/** @returns the JSON serialization: the flattened one for one recipient, the general one for several */
export async function sealedFor(
  [first, ...others]: readonly [KeyObject, ...KeyObject[]],
  secret: Uint8Array,
): Promise<Uint8Array> {
  const { FlattenedEncrypt, GeneralEncrypt } = await import("jose");
  if (others.length === 0) {
    const header = { alg: algorithmFor(first), enc: "A256GCM" };
    const jwe = new FlattenedEncrypt(secret).setProtectedHeader(header);
    return Buffer.from(JSON.stringify(await jwe.encrypt(first)));
  }
  const jwe = new GeneralEncrypt(secret).setProtectedHeader({ enc: "A256GCM" });
  for (const recipient of [first, ...others])
    jwe.addRecipient(recipient).setUnprotectedHeader({ alg: algorithmFor(recipient) });
  return Buffer.from(JSON.stringify(await jwe.encrypt()));
}

/**
 * What {@link sealedFor} sealed, by the first of these keys that opens it.
 *
 * @throws {EncryptionError} `encryption.no-key`
 */
export async function opened(sealed: Uint8Array, keys: readonly KeyObject[]): Promise<Uint8Array> {
  const jwe = parsed(sealed);
  const { flattenedDecrypt, generalDecrypt } = await import("jose");
  for (const key of keys) {
    const decrypt = async () =>
      "recipients" in jwe
        ? await generalDecrypt(jwe as never, key)
        : await flattenedDecrypt(jwe as never, key);
    const result = await decrypt().catch(() => undefined); // one for somebody else looks like one that is broken
    if (result) return result.plaintext;
  }
  throw new EncryptionError(
    "encryption.no-key",
    "JWE: No suitable private key found for decryption",
  );
}

function parsed(sealed: Uint8Array): object {
  try {
    const jwe: unknown = JSON.parse(Buffer.from(sealed).toString());
    if (typeof jwe === "object" && jwe !== null) return jwe;
  } catch {
    // told below
  }
  throw new EncryptionError("encryption.no-key", "jose.ParseEncrypted failed");
}

const curves = new Set(["prime256v1", "secp384r1", "secp521r1"]);
const leastBits = 2048;

/**
 * How a layer's key is encrypted for the holder of a key.
 *
 * @throws {EncryptionError} `encryption.bad-key` for one of a kind that carries nothing, or is too short
 */
export function algorithmFor({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string {
  const { modulusLength = 0, namedCurve = "" } = asymmetricKeyDetails;
  if (asymmetricKeyType === "rsa" && modulusLength >= leastBits) return "RSA-OAEP";
  if (asymmetricKeyType === "ec" && curves.has(namedCurve)) return "ECDH-ES+A256KW";
  const what =
    asymmetricKeyType === "rsa"
      ? `an RSA key of ${modulusLength} bits is too short`
      : `a key of type ${namedCurve || asymmetricKeyType} cannot be encrypted for`;
  throw new EncryptionError("encryption.bad-key", what, {
    hint: `Choose an RSA key of ${leastBits} bits or more, or one on P-256, P-384 or P-521`,
  });
}
