import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { derTags, readDer } from "../../../sigstore/cosign/der.ts";
import { isSigned, parseSpki, signatureFailure } from "../../../sigstore/cosign/public-key.ts";
import { testKey } from "../../support/certificates.ts";
import { bits, der, derNull, integer, oid, sequence } from "../../support/der.ts";

const spkiOf = (kind: "rsa" | "p256" | "ed25519") =>
  testKey(kind, "spki").publicKey.export({ format: "der", type: "spki" });
const point = spkiOf("p256").subarray(-65);
const raw = spkiOf("ed25519").subarray(-32);
const numbers = spkiOf("rsa").subarray(24);
const ec = oid("1.2.840.10045.2.1");
const p256 = oid("1.2.840.10045.3.1.7");
const rsa = oid("1.2.840.113549.1.1.1");
const ed25519 = oid("1.3.101.112");
const made = (bytes: Uint8Array, ...algorithm: readonly Uint8Array[]) =>
  sequence(sequence(...algorithm), bits(bytes));

test("parseSpki() takes keys in the one form that Go takes", () => {
  assert.equal(parseSpki(made(numbers, rsa, derNull)).asymmetricKeyType, "rsa");
  assert.equal(parseSpki(made(point, ec, p256)).asymmetricKeyType, "ec");
  assert.equal(parseSpki(made(raw, ed25519)).asymmetricKeyType, "ed25519");
  const compressed = Buffer.concat([
    Buffer.of(2 + ((point.at(-1) ?? 0) & 1)),
    point.subarray(1, 33),
  ]);
  const hybrid = Buffer.concat([Buffer.of(6 + ((point.at(-1) ?? 0) & 1)), point.subarray(1)]);
  const wrong: readonly (readonly [spki: Uint8Array, message: string])[] = [
    [made(numbers, rsa), "x509: RSA key missing NULL parameters"],
    [made(numbers, rsa, p256), "x509: RSA key missing NULL parameters"],
    [made(point, ec, oid("1.3.132.0.10")), "x509: unsupported elliptic curve"],
    [made(point, ec), "x509: unsupported elliptic curve"],
    [made(compressed, ec, p256), "ecdsa: invalid uncompressed public key"],
    [made(hybrid, ec, p256), "ecdsa: invalid uncompressed public key"],
    [
      made(Buffer.concat([point, Buffer.of(0)]), ec, p256),
      "ecdsa: invalid uncompressed public key",
    ],
    [made(raw, ed25519, derNull), "x509: Ed25519 key encoded with illegal parameters"],
    [made(raw.subarray(1), ed25519), "x509: wrong Ed25519 public key size"],
    [made(Buffer.concat([raw, Buffer.of(0)]), ed25519), "x509: wrong Ed25519 public key size"],
    [made(raw, oid("1.3.101.110")), "x509: unknown public key algorithm"],
  ];
  for (const [spki, message] of wrong) {
    assert.throws(() => parseSpki(spki), { code: "signature.bad-trust", message });
  }
});

test("parseSpki() refuses more than there should be, and NULL that is none", () => {
  const none = "x509: RSA key missing NULL parameters";
  const wrong: readonly (readonly [spki: Uint8Array, message: string | RegExp])[] = [
    [made(numbers, rsa, der(0x05, Buffer.of(0))), none],
    [made(numbers, rsa, der(0x04)), none],
    [made(numbers, rsa, derNull, derNull), /./],
    [sequence(sequence(rsa, derNull), bits(numbers), integer(1)), /./],
    [made(Buffer.concat([numbers, Buffer.of(0)]), rsa, derNull), /./],
    [made(Buffer.of(1), rsa, derNull), /./],
  ];
  for (const [spki, message] of wrong) {
    assert.throws(() => parseSpki(spki), { code: "signature.bad-trust", message });
  }
});

test("parseSpki() takes public exponents that are odd, from 3 to below 2^31", () => {
  const modulus = readDer(numbers, derTags.sequence).read().content;
  const withExponent = (exponent: number) =>
    parseSpki(made(sequence(integer(modulus), integer(exponent)), rsa, derNull));
  for (const exponent of [3, 17, 65_537, 2 ** 31 - 1]) {
    assert.equal(withExponent(exponent).asymmetricKeyDetails?.publicExponent, BigInt(exponent));
  }
  for (const exponent of [0, 1, 2, 4, 65_538, 2 ** 31, 2 ** 31 + 1, 2 ** 32 + 1]) {
    const refused = { code: "signature.bad-trust" };
    assert.throws(() => withExponent(exponent), refused, `${exponent}`);
  }
});

test("isSigned() is false where the key cannot be asked", () => {
  const data = Buffer.from("data");
  const { privateKey, publicKey } = testKey("ed25519", "spki");
  const signature = sign(null, data, privateKey);
  assert.equal(isSigned(null, publicKey, data, signature), true);
  assert.equal(isSigned("sha256", publicKey, data, signature), false);
});

test("signatureFailure() is a failure for keys of every other kind", () => {
  const data = Buffer.from("data");
  const { privateKey, publicKey } = generateKeyPairSync("ed448");
  const signature = sign(null, data, privateKey);
  assert.equal(signatureFailure(publicKey, data, signature), "unsupported public key type");
  const exchange = generateKeyPairSync("x25519").publicKey;
  assert.equal(signatureFailure(exchange, data, signature), "unsupported public key type");
});

test("signatureFailure() takes two numbers in ASN.1, or what is none side by side", () => {
  const data = Buffer.from("data");
  const { privateKey, publicKey } = testKey("p521", "pairs");
  const plain = sign("sha256", data, { key: privateKey, dsaEncoding: "ieee-p1363" });
  assert.equal(plain.length, 132);
  assert.equal(signatureFailure(publicKey, data, plain), undefined);
  assert.equal(signatureFailure(publicKey, data, sign("sha256", data, privateKey)), undefined);
  const invalid = "ecdsa: Invalid IEEE_P1363 encoded bytes";
  for (const length of [0, 1, 131, 133, 134]) {
    assert.equal(signatureFailure(publicKey, data, Buffer.alloc(length, 1)), invalid, `${length}`);
  }
  for (const pair of [sequence(), sequence(integer(1)), sequence(integer(1), oid("1.2"))]) {
    const failure = signatureFailure(publicKey, data, pair) ?? "";
    assert.doesNotMatch(failure, /ASN\.1/);
    assert.notEqual(failure, "");
  }
  const pair = sequence(integer(1), integer(1));
  assert.match(signatureFailure(publicKey, data, pair) ?? "", /validating ASN\.1 encoded/);
});
