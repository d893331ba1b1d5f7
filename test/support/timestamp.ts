import { createHash, sign } from "node:crypto";
import type { TestCertificate } from "./certificates.ts";
import { der, derNull, integer, oid, sequence } from "./der.ts";

const ids = {
  signedData: "1.2.840.113549.1.7.2",
  tstInfo: "1.2.840.113549.1.9.16.1.4",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  sha256: "2.16.840.1.101.3.4.2.1",
  ecdsaSha256: "1.2.840.10045.4.3.2",
} as const;

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const set = (...parts: readonly Uint8Array[]) => der(0x31, ...parts);
const octets = (bytes: Uint8Array) => der(0x04, bytes);
const attribute = (id: string, value: Uint8Array) => sequence(oid(id), set(value));

/** An authority's word that `data` was there at `at` — RFC 3161 § 2.4.2. */
export function makeTimestamp(data: Uint8Array, authority: TestCertificate, at: Date): Buffer {
  const text = at.toISOString().replace(/[-:T]|\.\d{3}/g, "");
  const info = sequence(
    integer(1),
    oid("1.2.3.4.1"),
    sequence(sequence(oid(ids.sha256), derNull), octets(sha256(data))),
    integer(7),
    der(0x18, Buffer.from(text)),
  );
  const attributes = [
    attribute(ids.contentType, oid(ids.tstInfo)),
    attribute(ids.messageDigest, octets(sha256(info))),
  ];
  const signer = sequence(
    integer(1),
    sequence(authority.issuerName, authority.serial),
    sequence(oid(ids.sha256)),
    der(0xa0, ...attributes),
    sequence(oid(ids.ecdsaSha256)),
    octets(sign("sha256", set(...attributes), authority.key.privateKey)),
  );
  const signedData = sequence(
    integer(3),
    set(sequence(oid(ids.sha256))),
    sequence(oid(ids.tstInfo), der(0xa0, octets(info))),
    set(signer),
  );
  return sequence(sequence(integer(0)), sequence(oid(ids.signedData), der(0xa0, signedData)));
}
