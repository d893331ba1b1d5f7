import { sign } from "node:crypto";
import { annotationKeys, type SigstoreSignature } from "../../../../sigstore/cosign/attachment.ts";
import { makeCertificate, testKey, toPem } from "../../../support/certificates.ts";
import { bits, der, derNull, oid, sequence } from "../../../support/der.ts";
import { payloadFor, signatureBy, signPayload } from "../../../support/sigstore.ts";
import {
  goodSignature,
  keys,
  manifestDigest,
  other,
  payload,
  reference,
  signer,
  type VerifyCase,
} from "./case.ts";

const rsa = testKey("rsa", "cases");
const small = testKey("rsa1024", "cases");
const pss = testKey("rsa-pss", "cases");
const ed25519 = testKey("ed25519");
const p384 = testKey("p384");
const p521 = testKey("p521");
const p224 = testKey("p224");

function withSignature(text: string, over: Uint8Array = payload): SigstoreSignature {
  const signature = signatureBy(signer, over);
  return { ...signature, annotations: { [annotationKeys.signature]: text } };
}

function signed(text: string | Uint8Array): SigstoreSignature {
  return signatureBy(signer, Buffer.from(text));
}

/** The two numbers of a signature side by side; not one that looks like ASN.1. */
function bareNumbers(over: Uint8Array): string {
  for (;;) {
    const key = { key: signer.privateKey, dsaEncoding: "ieee-p1363" } as const;
    const numbers = sign("sha256", over, key);
    if (numbers[0] !== 0x30) return numbers.toString("base64");
  }
}

const pssSignature = sign("sha256", payload, { key: rsa.privateKey, padding: 6, saltLength: 32 });
const good = signPayload(payload, signer);
const spki = signer.publicKey.export({ format: "der", type: "spki" });
const text = payload.toString();
const critical = text.slice(text.indexOf("critical") + 10, text.indexOf(',"optional"'));

/** A point of the curve, given by x and a bit. */
const compressed = sequence(
  sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")),
  bits(Buffer.concat([Buffer.of(2 + ((spki.at(-1) ?? 0) & 1)), spki.subarray(27, 59)])),
);
const nullParameters = sequence(
  sequence(oid("1.3.101.112"), derNull),
  bits(ed25519.publicKey.export({ format: "der", type: "spki" }).subarray(12)),
);

/** Keys, signatures, base64, payloads. */
export const keyCases: readonly VerifyCase[] = [
  { name: "I1 ecdsa p256", trust: keys(signer), signature: goodSignature() },
  { name: "I1b rsa pkcs1v15", trust: keys(rsa), signature: goodSignature(rsa) },
  { name: "I1c ed25519", trust: keys(ed25519), signature: goodSignature(ed25519) },
  { name: "I1d ecdsa p384 with sha256", trust: keys(p384), signature: goodSignature(p384) },
  { name: "I1d ecdsa p521 with sha256", trust: keys(p521), signature: goodSignature(p521) },
  {
    name: "ecdsa p224",
    trust: keys(p224),
    signature: goodSignature(p224),
    stricter: "P-224 is below what anybody signs images with",
  },
  {
    name: "rsa of 1024 bits",
    trust: keys(small),
    signature: goodSignature(small),
    stricter: "too short for years",
  },
  {
    name: "I1e rsa-pss signature",
    trust: keys(rsa),
    signature: withSignature(pssSignature.toString("base64")),
  },
  { name: "I1e rsa-pss key", trust: keys(pss), signature: goodSignature(signer) },
  {
    name: "ecdsa p384 with sha384",
    trust: keys(p384),
    signature: withSignature(sign("sha384", payload, p384.privateKey).toString("base64")),
  },
  {
    name: "ecdsa in two bare numbers",
    trust: keys(signer),
    signature: withSignature(bareNumbers(payload)),
  },
  {
    name: "ecdsa in two bare numbers, over something else",
    trust: keys(signer),
    signature: withSignature(bareNumbers(Buffer.of(1))),
  },
  {
    name: "ecdsa in an odd number of bytes",
    trust: keys(signer),
    signature: withSignature("QUJD"),
  },
  {
    name: "ecdsa with a byte behind",
    trust: keys(signer),
    signature: withSignature(
      Buffer.concat([Buffer.from(good, "base64"), Buffer.of(0)]).toString("base64"),
    ),
  },
  { name: "I2 wrong key", trust: keys(other), signature: goodSignature() },
  { name: "I2b any of two keys", trust: keys(other, signer), signature: goodSignature() },
  { name: "I2b none of two keys", trust: keys(other, ed25519), signature: goodSignature() },
  {
    name: "I5 tampered signature",
    trust: keys(signer),
    signature: withSignature(
      `${good.slice(0, 20)}${good[20] === "A" ? "B" : "A"}${good.slice(21)}`,
    ),
  },
  {
    name: "I5b payload is not the signed one",
    trust: keys(signer),
    signature: {
      ...goodSignature(),
      payload: payloadFor(manifestDigest, "registry.example.com/ns/one:v2"),
    },
  },
  {
    name: "I5c signature is no base64",
    trust: keys(signer),
    signature: withSignature("not base64!"),
  },
  {
    name: "I5c signature is cut short",
    trust: keys(signer),
    signature: withSignature("QUJDREU"),
  },
  {
    name: "I5c signature has something behind its padding",
    trust: keys(signer),
    signature: withSignature("QUJD\nREU=\nAAAA"),
  },
  { name: "I5c signature is empty", trust: keys(signer), signature: withSignature("") },
  {
    name: "I5d base64 in lines",
    trust: keys(signer),
    signature: withSignature(good.replace(/.{20}/g, "$&\r\n")),
  },
  {
    name: "I5d base64 with spaces",
    trust: keys(signer),
    signature: withSignature(good.replace(/.{20}/g, "$& ")),
  },
  { name: "I5e base64 for URLs", trust: keys(signer), signature: withSignature("-_-_") },
  {
    name: "I6 no signature annotation",
    trust: keys(signer),
    signature: { ...goodSignature(), annotations: {} },
  },
  {
    name: "I7c optional null",
    trust: keys(signer),
    signature: signatureBy(signer, payloadFor(manifestDigest, reference, { optional: null })),
  },
  {
    name: "I7d optional missing",
    trust: keys(signer),
    signature: signed(`{"critical":${critical}}`),
  },
  {
    name: "I7e type of simple signing",
    trust: keys(signer),
    signature: signed(text.replace("cosign container image", "atomic container")),
  },
  {
    name: "I7f type in other case",
    trust: keys(signer),
    signature: signed(text.replace("cosign container", "Cosign container")),
  },
  {
    name: "I7g one member too many",
    trust: keys(signer),
    signature: signed(text.replace('"type"', '"more":1,"type"')),
  },
  {
    name: "payload member twice",
    trust: keys(signer),
    signature: signed(text.replace('"type"', '"type":"x","type"')),
  },
  {
    name: "payload member twice, escaped",
    trust: keys(signer),
    signature: signed(text.replace('"optional"', '"\\u006fptional":{},"optional"')),
  },
  { name: "payload with something behind", trust: keys(signer), signature: signed(`${text}{}`) },
  {
    name: "payload with white space around",
    trust: keys(signer),
    signature: signed(`\n ${text}\t\r\n`),
  },
  { name: "payload is no JSON", trust: keys(signer), signature: signed("hello") },
  { name: "payload is empty", trust: keys(signer), signature: signed("") },
  { name: "payload is null", trust: keys(signer), signature: signed("null") },
  {
    name: "payload with a byte order mark",
    trust: keys(signer),
    signature: signed(`\ufeff${text}`),
  },
  {
    name: "payload digest of MD5",
    trust: keys(signer),
    signature: signatureBy(signer, payloadFor("md5:d41d8cd98f00b204e9800998ecf8427e", reference)),
  },
  {
    name: "timestamp with a fraction",
    trust: keys(signer),
    signature: signed(text.replace("1700000000", "1.5")),
  },
  {
    name: "I11 certificate as key",
    trust: keys(makeCertificate().pem),
    signature: goodSignature(),
  },
  {
    name: "I11b garbage among the keys",
    trust: keys(signer, "garbage"),
    signature: goodSignature(),
  },
  { name: "I11b empty file among the keys", trust: keys("", signer), signature: goodSignature() },
  {
    name: "I11c two keys in one file, second signed",
    trust: keys(other.pem + signer.pem),
    signature: goodSignature(),
  },
  {
    name: "I11c two keys in one file, first signed",
    trust: keys(signer.pem + other.pem),
    signature: goodSignature(),
  },
  {
    name: "I11d PKCS#1 key",
    trust: keys(rsa.publicKey.export({ format: "pem", type: "pkcs1" }).toString()),
    signature: goodSignature(rsa),
  },
  {
    name: "key with text before and behind",
    trust: keys(`my key\n${signer.pem}\nthe end`),
    signature: goodSignature(),
  },
  {
    name: "key in PEM with a header",
    trust: keys(signer.pem.replace("KEY-----\n", "KEY-----\nVersion: 1\n\n")),
    signature: goodSignature(),
  },
  {
    name: "key in PEM of one line",
    trust: keys(`-----BEGIN PUBLIC KEY-----\n${spki.toString("base64")}\n-----END PUBLIC KEY-----`),
    signature: goodSignature(),
  },
  {
    name: "key in PEM with Windows line ends",
    trust: keys(signer.pem.replaceAll("\n", "\r\n")),
    signature: goodSignature(),
  },
  {
    name: "key in PEM without an end",
    trust: keys(signer.pem.slice(0, -20)),
    signature: goodSignature(),
  },
  {
    name: "key in PEM with another end",
    trust: keys(signer.pem.replace("END PUBLIC", "END PRIVATE")),
    signature: goodSignature(),
  },
  { name: "key indented", trust: keys(signer.pem.replace(/^/gm, " ")), signature: goodSignature() },
  {
    name: "private key as key",
    trust: keys(signer.privateKey.export({ format: "pem", type: "pkcs8" }).toString()),
    signature: goodSignature(),
  },
  {
    name: "key with a byte behind its DER",
    trust: keys(toPem("PUBLIC KEY", Buffer.concat([spki, Buffer.of(0)]))),
    signature: goodSignature(),
    ownWords: "our DER reader's",
  },
  {
    name: "key as a compressed point",
    trust: keys(toPem("PUBLIC KEY", compressed)),
    signature: goodSignature(),
  },
  {
    name: "ed25519 key with parameters",
    trust: keys(toPem("PUBLIC KEY", nullParameters)),
    signature: goodSignature(ed25519),
  },
  {
    name: "key of no known algorithm",
    trust: keys(toPem("PUBLIC KEY", sequence(sequence(oid("1.2.3.4")), bits(Buffer.of(1))))),
    signature: goodSignature(),
  },
  {
    name: "key that is another DER",
    trust: keys(toPem("PUBLIC KEY", der(0x04, Buffer.of(1)))),
    signature: goodSignature(),
    ownWords: "our DER reader's",
  },
  {
    name: "RSA key called a PKIX key",
    trust: keys(toPem("PUBLIC KEY", rsa.publicKey.export({ format: "der", type: "pkcs1" }))),
    signature: goodSignature(rsa),
    ownWords: "our DER reader's",
  },
];
