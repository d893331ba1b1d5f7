import { createPublicKey, randomUUID, sign } from "node:crypto";
import { keyId } from "./schema1.ts";
import type { Certificate } from "./tls.ts";
import type { Grant } from "./token-issuer.ts";

/** Signs grants as the JWT that distribution reads; ES256 for an EC key, else RS256. */
export function jwtSigner(certificate: Certificate, issuer: string): (grant: Grant) => string {
  const publicKey = createPublicKey(certificate.cert);
  const elliptic = publicKey.asymmetricKeyType === "ec";
  const head = { typ: "JWT", alg: elliptic ? "ES256" : "RS256", kid: keyId(publicKey) };
  return (grant) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      sub: grant.user ?? "",
      aud: grant.service,
      exp: Math.floor(grant.expires / 1000),
      nbf: now - 10,
      iat: now,
      jti: randomUUID(),
      access: [...grant.access].map(([resource, actions]) => accessEntry(resource, actions)),
    };
    const text = `${encode(head)}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(text), {
      key: certificate.key,
      ...(elliptic && { dsaEncoding: "ieee-p1363" }),
    });
    return `${text}.${signature.toString("base64url")}`;
  };
}

function accessEntry(resource: string, actions: readonly string[]) {
  const colon = resource.indexOf(":");
  return { type: resource.slice(0, colon), name: resource.slice(colon + 1), actions };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
