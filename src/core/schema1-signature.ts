import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { encodeUtf8 } from "./utf8.ts";

/**
 * Signs a compact schema 1 manifest with a key that is thrown away, because registries want a signature and nobody looks
 * at it.
 *
 * @param signedAt an RFC 3339 time, to be written into the signature
 */
export function signSchema1(payload: string, signedAt: string): Uint8Array {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bytes = encodeUtf8(payload);
  const header = { formatLength: bytes.length - 1, formatTail: base64url("}"), time: signedAt };
  const protectedHeader = base64url(JSON.stringify(header));
  const signature = sign("sha256", Buffer.from(`${protectedHeader}.${base64url(bytes)}`), {
    key: privateKey,
    dsaEncoding: "ieee-p1363",
  });
  const block = {
    header: { jwk: publicJwk(publicKey), alg: "ES256" },
    signature: base64url(signature),
    protected: protectedHeader,
  };
  return encodeUtf8(`${payload.slice(0, -1)},"signatures":[${JSON.stringify(block)}]}`);
}

function publicJwk(key: KeyObject): object {
  const { crv, kty, x, y } = key.export({ format: "jwk" });
  return { crv, kid: keyId(key), kty, x, y };
}

/** libtrust's name of a key: 30 bytes of the hash of its DER form, in base32, four characters a group. */
function keyId(key: KeyObject): string {
  const der = key.export({ format: "der", type: "spki" });
  const hash = createHash("sha256").update(der).digest().subarray(0, 30);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = Array.from(hash, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const text = bits.replace(/.{5}/g, (five) => alphabet[Number.parseInt(five, 2)] ?? "");
  return text.replace(/.{4}(?=.)/g, "$&:");
}

function base64url(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString("base64url");
}
