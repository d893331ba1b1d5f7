import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCertificate } from "../../../sigstore/cosign/certificate.ts";
import { matchIdentity } from "../../../sigstore/cosign/certificate-identity.ts";
import { type AltName, altNames, issuerV1, makeCertificate } from "../../support/certificates.ts";

const certificate = (issuer: string, ...names: readonly AltName[]) =>
  parseCertificate(makeCertificate({ extensions: [issuerV1(issuer), altNames(names)] }).der);

test("matchIdentity() compares whole texts, and nothing with an empty one", () => {
  const ann = certificate("https://i", { email: "ann@b" }, { uri: "https://u" });
  const by = (issuer: string, subject: { readonly email: string } | { readonly uri: string }) =>
    matchIdentity(ann, [{ issuer, subject }]);
  assert.equal(by("https://i", { email: "ann@b" }), "ann@b (https://i)");
  assert.equal(by("https://i", { uri: "https://u" }), "https://u (https://i)");
  const refused = { code: "signature.bad-certificate" };
  assert.throws(() => by("https://", { email: "ann@b" }), refused);
  assert.throws(() => by("https://i", { email: "ann" }), refused);
  assert.throws(() => by("https://i", { uri: "ann@b" }), refused);
  const nobody = certificate("", { email: "ann@b" });
  assert.throws(
    () => matchIdentity(nobody, [{ issuer: "", subject: { email: "ann@b" } }]),
    refused,
  );
});

test("matchIdentity() says whom it has met", () => {
  const named = certificate("https://i", { email: "ann@b" }, { uri: "https://u" });
  assert.throws(() => matchIdentity(named, []), {
    message: 'No identity is accepted of "ann@b", "https://u", known to "https://i"',
  });
  assert.throws(() => matchIdentity(certificate("https://i", { dns: "d" }), []), {
    message: 'No identity is accepted of a nameless certificate, known to "https://i"',
  });
});
