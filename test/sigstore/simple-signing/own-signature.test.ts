import assert from "node:assert/strict";
import { test } from "node:test";
import { isOwnSignature } from "../../../sigstore/simple-signing/own-signature.ts";
import {
  createSimpleSigningVerifier,
  type SimpleSigningVerifier,
} from "../../../sigstore/simple-signing/verifier.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { certificate } from "../../support/openpgp/certificate.ts";
import { forgeKey, forgeMessage } from "../../support/openpgp/forge.ts";
import { claim, payload } from "../../support/openpgp/verify.ts";

const created = Math.floor(Date.now() / 1000) - 1000;
const [key, other] = [forgeKey("ed25519", created), forgeKey("p256", created)];
const certificates = [key, other].map((one) => certificate(one, { created }));
const verifier = createSimpleSigningVerifier(certificates, { now: () => new Date() });
const by = (signer: typeof key) =>
  ({ format: "simple-signing", bytes: forgeMessage(signer, { created }, payload) }) as const;
const own = { ...claim };

test("isOwnSignature() wants the very key and the very claim", async () => {
  const { fingerprint } = key;
  assert.equal(await isOwnSignature(verifier, by(key), own, fingerprint), true);
  assert.equal(await isOwnSignature(Promise.resolve(verifier), by(key), own, fingerprint), true);
  assert.equal(await isOwnSignature(verifier, by(other), own, fingerprint), false);
  const elsewhere = { ...own, dockerReference: "a/b:d" };
  assert.equal(await isOwnSignature(verifier, by(key), elsewhere, fingerprint), false);
  const another = { ...own, manifestDigest: digestOf(Buffer.from("x")) };
  assert.equal(await isOwnSignature(verifier, by(key), another, fingerprint), false);
  const garbage = { format: "simple-signing", bytes: Buffer.from("x") } as const;
  assert.equal(await isOwnSignature(verifier, garbage, own, fingerprint), false);
});

test("isOwnSignature() does not hide what was not foreseen", async () => {
  const broken: SimpleSigningVerifier = {
    verify: async () => {
      throw new TypeError("a bug");
    },
  };
  await assert.rejects(isOwnSignature(broken, by(key), own, key.fingerprint), TypeError);
});
