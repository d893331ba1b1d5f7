import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifiers } from "../../sigstore/create-verifiers.ts";
import { noVerifiers } from "../../sigstore/no-verifiers.ts";
import type { SigstoreTrust } from "../../sigstore/verifiers.ts";
import { type TestKey, testTime } from "../support/certificates.ts";
import { certificate } from "../support/openpgp/certificate.ts";
import { forgeKey, forgeMessage } from "../support/openpgp/forge.ts";
import { claim, payload as openPgpPayload } from "../support/openpgp/verify.ts";
import { allCases } from "./cosign/cases/all.ts";
import { goodSignature, keys, manifestDigest, other, signer } from "./cosign/cases/case.ts";

const create = () => createVerifiers({ now: () => testTime });

test("sigstore signatures are verified, and the same trust is read once", async () => {
  const verifiers = create();
  const first = await verifiers.sigstore(keys(signer));
  const { claim } = await first.verify(goodSignature());
  assert.equal(claim.manifestDigest, manifestDigest);
  assert.equal(await verifiers.sigstore(keys(signer)), first);
});

test("trust that differs anywhere is another", async () => {
  const verifiers = create();
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

test("bytes are told apart however they are held", async () => {
  const verifiers = create();
  const plain = ({ pem }: TestKey): SigstoreTrust => ({
    identity: { type: "keys", keys: [new TextEncoder().encode(pem)] },
  });
  const first = await verifiers.sigstore(plain(signer));
  assert.equal(await verifiers.sigstore(plain(signer)), first);
  assert.notEqual(await verifiers.sigstore(plain(other)), first);
});

const created = Math.floor(testTime.getTime() / 1000) - 1000;
const key = forgeKey("ed25519", created);
const keyring = certificate(key, { created });
const openPgp = {
  format: "simple-signing",
  bytes: forgeMessage(key, { created }, openPgpPayload),
} as const;

test("OpenPGP signatures are verified, and keys are told apart by where each file ends", async () => {
  const verifiers = create();
  const verifier = await verifiers.simpleSigning([keyring, keyring]);
  assert.equal((await verifier.verify(openPgp)).claim.manifestDigest, claim.manifestDigest);
  assert.equal(await verifiers.simpleSigning([keyring, keyring]), verifier);
  assert.notEqual(await verifiers.simpleSigning([Buffer.concat([keyring, keyring])]), verifier);
  assert.notEqual(await verifiers.simpleSigning([keyring]), verifier);
});

test("what was read longest ago is forgotten when there is too much", async () => {
  const verifiers = create();
  const trust = (index: number): SigstoreTrust => {
    const pem = Buffer.from(`${signer.pem}${index}\n`);
    return { identity: { type: "keys", keys: [pem] } };
  };
  const made = [];
  for (let index = 0; index < 64; index++) made.push(await verifiers.sigstore(trust(index)));
  assert.equal(await verifiers.sigstore(trust(0)), made[0]);
  await verifiers.sigstore(trust(64));
  assert.equal(await verifiers.sigstore(trust(1)), made[1]);
  assert.equal(await verifiers.sigstore(trust(63)), made[63]);
  assert.notEqual(await verifiers.sigstore(trust(0)), made[0]);
});

test("a key whose time has not come is read again when it has", async () => {
  let now = new Date((created - 3600) * 1000);
  const verifiers = createVerifiers({ now: () => now });
  await assert.rejects(verifiers.simpleSigning([keyring]), { code: "signature.bad-trust" });
  now = testTime;
  await (await verifiers.simpleSigning([keyring])).verify(openPgp);
});

test("trust that cannot be read fails each time", async () => {
  const verifiers = create();
  for (let time = 0; time < 2; time++) {
    await assert.rejects(verifiers.sigstore(keys("garbage")), { code: "signature.bad-trust" });
  }
});

test("signatures of both kinds are described", async () => {
  const described = await create().describe(goodSignature());
  assert.deepEqual([described.format, described.manifestDigest], ["sigstore", manifestDigest]);
  const other = await create().describe(openPgp);
  assert.deepEqual([other.format, other.manifestDigest], ["simple-signing", claim.manifestDigest]);
});

test("noVerifiers take no keys, and say of a signature what format it is", async () => {
  const refused = { code: "signature.bad-trust" };
  await assert.rejects(noVerifiers.simpleSigning([keyring]), refused);
  await assert.rejects(noVerifiers.sigstore(keys(signer)), refused);
  const signers = { type: "keys", keys: [Buffer.from(signer.pem)] } as const;
  await assert.rejects(noVerifiers.bundles({ signers }), refused);
  assert.deepEqual(await noVerifiers.describe(openPgp), { format: "simple-signing" });
});
