import assert from "node:assert/strict";
import { test } from "node:test";
import { annotationKeys, type SigstoreSignature } from "../../../sigstore/cosign/attachment.ts";
import { verifyBundle } from "../../../sigstore/cosign/bundle.ts";
import { prepareBundleTrust } from "../../../sigstore/cosign/bundle-trust.ts";
import { createSigstoreVerifier } from "../../../sigstore/cosign/verifier.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import type { SignatureVerifier } from "../../../sigstore/verifiers.ts";
import { makeBundle, makeTrustedRoot, statementOf } from "../../support/bundle.ts";
import {
  altNames,
  issuerV2,
  makeCa,
  makeCertificate,
  testTime,
} from "../../support/certificates.ts";
import { randomBytesOf } from "../../support/random.ts";
import { allCases } from "./cases/all.ts";
import { manifestDigest, signer } from "./cases/case.ts";

// Bytes are changed at random in what somebody else made. Nothing may be accepted whose signed parts were changed, and
// nothing may fail but as a refusal.

const soak = process.env["AMPHORA_SOAK"] === "1";
const rounds = soak ? 4_000 : 400;
const seed = soak ? Date.now() % 1_000_000 : 1;
const numbers = randomBytesOf(seed, 1_000_000);
let taken = 0;

const random = {
  /** From 0 to `end`, without it. */
  below(end: number): number {
    taken = (taken + 4) % (numbers.length - 4);
    return numbers.readUInt32LE(taken) % end;
  },
};

function chosen(name: string) {
  const found = allCases.find((one) => one.name === name);
  assert.ok(found);
  return found;
}

function flipped(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}

/** A byte changed, taken out, put in, or the end cut off. */
function mutated(bytes: Uint8Array): Buffer {
  const at = random.below(bytes.length);
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
  switch (random.below(4)) {
    case 0:
      return flipped(bytes);
    case 1:
      return Buffer.concat([head, tail]);
    case 2:
      return Buffer.concat([head, Buffer.of(random.below(256)), bytes.subarray(at)]);
    default:
      return Buffer.from(head);
  }
}

async function accepts(verifier: SignatureVerifier, signature: SigstoreSignature) {
  try {
    await verifier.verify(signature);
    return true;
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    return false;
  }
}

test("a payload with a byte changed is never accepted", async () => {
  const { trust, signature } = chosen("I20 key and SET");
  const verifier = await createSigstoreVerifier(trust, { now: () => testTime });
  for (let round = 0; round < rounds / 4; round++) {
    const payload = mutated(signature.payload);
    if (payload.equals(signature.payload)) continue;
    assert.equal(await accepts(verifier, { ...signature, payload }), false, payload.toString());
  }
});

for (const name of [
  "I20 key and SET",
  "I34 intermediate and root in chain",
  "I40g intermediate from chain",
]) {
  test(`annotations changed at random are accepted or refused, no more: ${name}`, async () => {
    const { trust, signature } = chosen(name);
    const verifier = await createSigstoreVerifier(trust, { now: () => testTime });
    const keys = Object.keys(signature.annotations);
    for (let round = 0; round < rounds; round++) {
      const key = keys[random.below(keys.length)] ?? "";
      const text = mutated(Buffer.from(signature.annotations[key] ?? "")).toString("latin1");
      await accepts(verifier, {
        ...signature,
        annotations: { ...signature.annotations, [key]: text },
      });
    }
  });
}

/** Changes the DER inside PEM, so that the armour does not catch it. */
function mutatedPem(pem: string): string {
  const [, body = ""] = /-----\n([\s\S]+?)\n-----END/.exec(pem) ?? [];
  const der = flipped(Buffer.from(body, "base64"));
  return pem.replace(body, der.toString("base64"));
}

test("a certificate with a bit changed is never accepted", async () => {
  const { trust, signature } = chosen("I40 pki");
  const verifier = await createSigstoreVerifier(trust, { now: () => testTime });
  const key = annotationKeys.certificate;
  const pem = signature.annotations[key] ?? "";
  for (let round = 0; round < rounds; round++) {
    const changed = mutatedPem(pem);
    const accepted = await accepts(verifier, {
      ...signature,
      annotations: { ...signature.annotations, [key]: changed },
    });
    assert.equal(accepted, false, changed);
  }
});

test("an intermediate with a bit changed is never accepted", async () => {
  const { trust, signature } = chosen("I40g intermediate from chain");
  const verifier = await createSigstoreVerifier(trust, { now: () => testTime });
  const key = annotationKeys.chain;
  const chain = signature.annotations[key] ?? "";
  for (let round = 0; round < rounds; round++) {
    const annotations = { ...signature.annotations, [key]: mutatedPem(chain) };
    assert.equal(await accepts(verifier, { ...signature, annotations }), false, annotations[key]);
  }
});

test("a Rekor SET with a bit changed is never accepted", async () => {
  const { trust, signature } = chosen("I20 key and SET");
  const verifier = await createSigstoreVerifier(trust, { now: () => testTime });
  const key = annotationKeys.set;
  const set = signature.annotations[key] ?? "";
  const same = JSON.stringify(JSON.parse(set));
  for (let round = 0; round < rounds; round++) {
    const changed = flipped(Buffer.from(set)).toString("latin1");
    const accepted = await accepts(verifier, {
      ...signature,
      annotations: { ...signature.annotations, [key]: changed },
    });
    // Spare bits at the end of base64 change nothing, nor does a number written otherwise.
    if (accepted) assert.equal(decoded(changed), decoded(same), changed);
  }
});

test("a bundle changed at random is a signature of the same manifest, or none", async () => {
  const root = makeCa();
  const certificate = makeCertificate({
    issuer: root,
    key: signer,
    extensions: [altNames([{ email: "ann@example.com" }]), issuerV2("https://issuer")],
  });
  const trust = await prepareBundleTrust({
    signers: {
      type: "certificates",
      identities: [{ issuer: "https://issuer", subject: { email: "ann@example.com" } }],
    },
    trustedRoot: makeTrustedRoot({ authorities: [[root]] }),
  });
  const statement = statementOf(manifestDigest.slice(7));
  const bundle = makeBundle({ statement, signer, certificate });
  const options = { manifestDigest, now: testTime };
  await verifyBundle(bundle, trust, options);
  for (let round = 0; round < rounds; round++) {
    try {
      const { claim } = await verifyBundle(mutated(bundle), trust, options);
      assert.deepEqual(claim, { manifestDigest });
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
    }
  }
});

test("trust changed at random is read or refused", async () => {
  for (const name of ["I1 ecdsa p256", "I1b rsa pkcs1v15", "I1c ed25519"]) {
    const { trust, signature } = chosen(name);
    const { identity } = trust;
    assert.ok(identity.type === "keys");
    for (let round = 0; round < rounds / 4; round++) {
      const keys: readonly Buffer[] = identity.keys.map((key) =>
        Buffer.from(mutatedPem(Buffer.from(key).toString())),
      );
      try {
        const prepared = await createSigstoreVerifier(
          { identity: { type: "keys", keys } },
          { now: () => testTime },
        );
        assert.equal(await accepts(prepared, signature), false, keys.join());
      } catch (error) {
        if (!(error instanceof SignatureError)) throw error;
      }
    }
  }
});

/** What a SET says, whatever its spelling. */
function decoded(set: string): string {
  const { SignedEntryTimestamp, Payload } = JSON.parse(set);
  const bytes = (text: string) => Buffer.from(text, "base64").toString("base64");
  return JSON.stringify([bytes(SignedEntryTimestamp), { ...Payload, body: bytes(Payload.body) }]);
}
