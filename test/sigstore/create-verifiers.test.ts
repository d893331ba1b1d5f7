import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifiers } from "../../sigstore/create-verifiers.ts";
import type { SigstoreTrust } from "../../sigstore/verifiers.ts";
import { testTime } from "../support/certificates.ts";
import { allCases } from "./cosign/cases/all.ts";
import { goodSignature, keys, manifestDigest, other, signer } from "./cosign/cases/case.ts";

const verifiers = createVerifiers({ now: () => testTime });

test("sigstore signatures are verified, and the same trust is read once", async () => {
  const first = await verifiers.sigstore(keys(signer));
  const { claim } = await first.verify(goodSignature());
  assert.equal(claim.manifestDigest, manifestDigest);
  assert.equal(await verifiers.sigstore(keys(signer)), first);
});

test("trust that differs anywhere is another", async () => {
  const trusts: readonly SigstoreTrust[] = [
    keys(signer),
    keys(other),
    keys(signer, other),
    { ...keys(signer), rekorKeys: [Buffer.from(other.pem)] },
    ...["I30 leaf under root", "I40 pki", "I40c hostname"].map((wanted) => {
      const found = allCases.find(({ name }) => name === wanted);
      assert.ok(found);
      return found.trust;
    }),
  ];
  const made = await Promise.all(trusts.map((trust) => verifiers.sigstore(trust)));
  assert.equal(new Set(made).size, trusts.length);
});

test("trust that cannot be read fails each time", async () => {
  for (let time = 0; time < 2; time++) {
    await assert.rejects(verifiers.sigstore(keys("garbage")), { code: "signature.bad-trust" });
  }
});

test("a sigstore signature is described", async () => {
  const described = await verifiers.describe(goodSignature());
  assert.equal(described.manifestDigest, manifestDigest);
});
