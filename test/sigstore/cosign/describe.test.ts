import assert from "node:assert/strict";
import { test } from "node:test";
import { annotationKeys } from "../../../sigstore/cosign/attachment.ts";
import { describeSigstore } from "../../../sigstore/cosign/describe.ts";
import { altNames, issuerV2, makeCertificate } from "../../support/certificates.ts";
import { loggedAt } from "../../support/sigstore.ts";
import { allCases } from "./cases/all.ts";
import { goodSignature, manifestDigest, reference } from "./cases/case.ts";

test("a signature is described by its payload, its certificate and its log entry", () => {
  const plain = { format: "sigstore", manifestDigest, dockerReference: reference };
  assert.deepEqual(describeSigstore(goodSignature()), {
    ...plain,
    signedAt: new Date(1_700_000_000_000),
  });
  const certified = allCases.find(({ name }) => name === "I30 leaf under root");
  assert.ok(certified);
  assert.deepEqual(describeSigstore(certified.signature), {
    ...plain,
    keyId: "ann@example.com (https://accounts.example.com)",
    signedAt: new Date(loggedAt * 1000),
  });
});

test("a certificate is told by its names, and by who told them where it says so", () => {
  const keyOf = (...extensions: readonly Buffer[]) => {
    const { pem } = makeCertificate({ extensions });
    const annotations = { [annotationKeys.certificate]: pem };
    return describeSigstore({ ...goodSignature(), annotations }).keyId;
  };
  const email = "ann@example.com";
  const uri = "https://ci.example.com/job";
  const issuer = "https://issuer.example.com";
  assert.equal(keyOf(altNames([{ email }])), email);
  assert.equal(keyOf(altNames([{ email, uri, dns: "h.example" }])), `${email}, ${uri}, h.example`);
  assert.equal(keyOf(altNames([{ uri }]), issuerV2(issuer)), `${uri} (${issuer})`);
  assert.equal(keyOf(), undefined);
});

test("a log's time that is no number is none", () => {
  for (const time of ['"1700000001"', "null", "[1]", "true"]) {
    const set = `{"Payload":{"integratedTime":${time}}}`;
    const signature = { ...goodSignature(), annotations: { [annotationKeys.set]: set } };
    assert.deepEqual(describeSigstore(signature).signedAt, new Date(1_700_000_000_000));
  }
});

test("whatever a signature is, describing it does not fail", () => {
  for (const { signature } of allCases) {
    assert.equal(describeSigstore(signature).format, "sigstore");
  }
  const bare = { ...goodSignature(), payload: Buffer.from("x"), annotations: {} };
  assert.deepEqual(describeSigstore(bare), { format: "sigstore" });
  const set = '{"Payload":{"integratedTime":1e300}}';
  const late = { ...bare, annotations: { [annotationKeys.set]: set } };
  assert.deepEqual(describeSigstore(late), { format: "sigstore" });
});
