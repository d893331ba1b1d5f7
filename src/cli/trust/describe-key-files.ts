import { createPublicKey, X509Certificate } from "node:crypto";
import type { KeyDescription, KeyKind } from "../../../policy/lint-keys.ts";
import {
  type CertificateDescription,
  describeKeys,
} from "../../../sigstore/simple-signing/describe-keys.ts";

/** The keys in a file that a policy names, for looking at: none where nothing can be read as such. */
export function describeKeyFile(
  kind: KeyKind,
  bytes: Uint8Array,
  now: Date,
): readonly KeyDescription[] {
  switch (kind) {
    case "openpgp":
      return describeKeys([bytes], now).flatMap(describeOpenPgp);
    case "public-key":
      return attempt(() => [{ id: publicKeyId(bytes) }]);
    case "certificates":
      return attempt(() => certificatesIn(bytes).map(describeCertificate));
  }
}

/** What counts is until when something of the key, or under it, can sign. */
function describeOpenPgp(key: CertificateDescription): readonly KeyDescription[] {
  const [userId] = key.userIds;
  const id = userId === undefined ? key.fingerprint : `${key.fingerprint} (${userId})`;
  if (key.revoked) return [{ id, revoked: true }];
  const able = [key, ...key.subkeys].filter(({ signs }) => signs);
  const ends = (able.length > 0 ? able : [key]).map(({ expires }) => expires);
  if (able.length === 0 && ends.includes(undefined)) return []; // it never could
  if (ends.includes(undefined)) return [{ id }];
  const last = Math.max(...ends.map((end) => end?.getTime() ?? 0));
  return [{ id, expires: new Date(last) }];
}

function publicKeyId(bytes: Uint8Array): string {
  const key = createPublicKey(Buffer.from(bytes));
  const size = key.asymmetricKeyDetails?.modulusLength ?? key.asymmetricKeyDetails?.namedCurve;
  return [key.asymmetricKeyType, size].filter((part) => part !== undefined).join(" ");
}

function certificatesIn(bytes: Uint8Array): readonly X509Certificate[] {
  const blocks = Buffer.from(bytes)
    .toString("latin1")
    .match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  return (blocks ?? []).map((block) => new X509Certificate(block));
}

function describeCertificate({ subject, validToDate }: X509Certificate): KeyDescription {
  return { id: subject.replaceAll("\n", ", "), expires: validToDate };
}

function attempt<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch {
    return [];
  }
}
