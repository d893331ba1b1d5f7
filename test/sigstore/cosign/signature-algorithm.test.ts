import assert from "node:assert/strict";
import { test } from "node:test";
import { DerError } from "../../../sigstore/cosign/der.ts";
import { signatureAlgorithmOf } from "../../../sigstore/cosign/signature-algorithm.ts";
import { der, derNull, integer, oid, sequence } from "../../support/der.ts";

const rsa = "1.2.840.113549.1.1";
const ec = "1.2.840.10045.4";
const rows: readonly (readonly [id: string, name: string, keyType: string, insecure?: true])[] = [
  [`${rsa}.4`, "MD5-RSA", "rsa", true],
  [`${rsa}.5`, "SHA1-RSA", "rsa", true],
  [`${rsa}.11`, "SHA256-RSA", "rsa"],
  [`${rsa}.12`, "SHA384-RSA", "rsa"],
  [`${rsa}.13`, "SHA512-RSA", "rsa"],
  [`${ec}.1`, "ECDSA-SHA1", "ec", true],
  [`${ec}.3.2`, "ECDSA-SHA256", "ec"],
  [`${ec}.3.3`, "ECDSA-SHA384", "ec"],
  [`${ec}.3.4`, "ECDSA-SHA512", "ec"],
  ["1.3.101.112", "Ed25519", "ed25519"],
];

test("signatureAlgorithmOf() knows each algorithm, and which are not to be relied on", () => {
  for (const [id, name, keyType, insecure] of rows) {
    const expected = { name, keyType, ...(insecure && { insecure }) };
    assert.deepEqual(signatureAlgorithmOf(sequence(oid(id))), expected);
    const withNull = keyType === "ed25519" ? undefined : expected;
    assert.deepEqual(signatureAlgorithmOf(sequence(oid(id), derNull)), withNull);
    assert.equal(signatureAlgorithmOf(sequence(oid(id), integer(1))), undefined);
  }
  for (const id of [`${rsa}.1`, `${rsa}.14`, `${ec}.3.1`, "1.3.101.113", "2.5.4.3"]) {
    assert.equal(signatureAlgorithmOf(sequence(oid(id))), undefined);
  }
  assert.throws(() => signatureAlgorithmOf(sequence(oid("1.2.3"), derNull, derNull)), DerError);
});

test("signatureAlgorithmOf() knows RSASSA-PSS where all of it is written out, and one hash is in it", () => {
  const pss = (hash: number, mask: number, salt: number) => {
    const hashed = (arc: number) => sequence(oid(`2.16.840.1.101.3.4.2.${arc}`), derNull);
    const generator = sequence(oid(`${rsa}.8`), hashed(mask));
    const parts = [hashed(hash), generator, integer(salt)];
    const parameters = sequence(...parts.map((part, at) => der(0xa0 + at, part)));
    return signatureAlgorithmOf(sequence(oid(`${rsa}.10`), parameters));
  };
  assert.deepEqual(pss(1, 1, 32), { name: "SHA256-RSAPSS", keyType: "rsa" });
  assert.deepEqual(pss(2, 2, 48), { name: "SHA384-RSAPSS", keyType: "rsa" });
  assert.deepEqual(pss(3, 3, 64), { name: "SHA512-RSAPSS", keyType: "rsa" });
  assert.equal(pss(1, 2, 32), undefined);
  assert.equal(pss(1, 1, 20), undefined);
  assert.equal(signatureAlgorithmOf(sequence(oid(`${rsa}.10`))), undefined);
});
