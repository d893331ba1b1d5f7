import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCertificates, parseRoots } from "../../../sigstore/cosign/certificate-pem.ts";
import { makeCertificate, toPem } from "../../support/certificates.ts";

const { pem, der } = makeCertificate();
const count = (text: string) => parseCertificates(text).length;
const refused = { code: "signature.bad-certificate" };

test("parseCertificates() reads nothing but certificates, and white space around them", () => {
  assert.equal(count(""), 0);
  assert.equal(count(" \t\n\v\f\r"), 0);
  assert.equal(count(` \r\n${pem}${toPem("ANYTHING", der)}\t\v\f `), 2);
  assert.equal(count(pem.trimEnd()), 1);
  for (const text of [
    "x",
    `${pem}x`,
    pem.slice(0, -30),
    `x${pem}`,
    toPem("CERTIFICATE", der.subarray(1)),
  ]) {
    assert.throws(() => parseCertificates(text), refused, text);
  }
});

test("parseCertificates() reads a hundred and no more", () => {
  assert.equal(count(pem.repeat(100)), 100);
  assert.throws(() => parseCertificates(pem.repeat(101)), refused);
});

test("parseRoots() passes over what is no certificate, and refuses where nothing is left", () => {
  const roots = (text: string) => parseRoots(Buffer.from(text), "none").length;
  const withHeaders = pem.replace("-----\n", "-----\nA: b\n\n");
  const others = [toPem("ANYTHING", der), withHeaders, toPem("CERTIFICATE", Buffer.of(1)), "x\n"];
  assert.equal(roots(`${others.join("")}${pem}${pem}`), 2);
  for (const text of ["", ...others]) {
    assert.throws(() => roots(text), { code: "signature.bad-trust", message: "none" }, text);
  }
});
