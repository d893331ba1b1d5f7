import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCertificate } from "../../../sigstore/cosign/certificate.ts";
import { oidcIssuerOf } from "../../../sigstore/cosign/fulcio.ts";
import { extension, issuerV1, makeCertificate } from "../../support/certificates.ts";
import { der, ia5, integer, utf8 } from "../../support/der.ts";

const issuerOf = (...extensions: readonly Uint8Array[]) =>
  oidcIssuerOf(parseCertificate(makeCertificate({ extensions }).der));
const second = (value: Uint8Array) => extension("1.3.6.1.4.1.57264.1.8", value);

test("oidcIssuerOf() reads every kind of string, and nothing else for one", () => {
  for (const value of [utf8("https://i"), ia5("https://i"), ia5("https://i", 0x13)]) {
    assert.equal(issuerOf(second(value)), "https://i");
    assert.equal(issuerOf(issuerV1("https://i"), second(value)), "https://i");
  }
  assert.equal(issuerOf(second(utf8("é"))), "é");
  assert.equal(issuerOf(second(der(0x16, Buffer.of(0xe9)))), "é");
  const wrong = [
    integer(1),
    ia5("https://i", 0x14),
    der(0x04, Buffer.from("https://i")),
    Buffer.from("https://i"),
    Buffer.concat([utf8("https://i"), utf8("")]),
    Buffer.of(),
  ];
  for (const value of wrong) {
    const refused = {
      code: "signature.bad-certificate",
      message: /^invalid ASN\.1 in OIDC issuer v2 extension/,
    };
    assert.throws(() => issuerOf(second(value)), refused);
    assert.throws(() => issuerOf(issuerV1("https://i"), second(value)), refused);
  }
});

test("oidcIssuerOf() wants one issuer", () => {
  const refused = { code: "signature.bad-certificate" };
  assert.throws(() => issuerOf(), refused);
  assert.throws(() => issuerOf(issuerV1("https://i"), second(utf8("https://j"))), refused);
});
