import assert from "node:assert/strict";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { test } from "node:test";
import { annotationKeys } from "../../../sigstore/cosign/attachment.ts";
import { closeKeyFile } from "../../../sigstore/cosign/key-file.ts";
import { createCertifiedSigner, createSigstoreSigner } from "../../../sigstore/cosign/signer.ts";
import { createSigstoreVerifier } from "../../../sigstore/cosign/verifier.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { type TestKey, testKey, testTime } from "../../support/certificates.ts";

const passphrase = Buffer.from("pass");
const { signal } = new AbortController();
const claim = {
  manifestDigest: digestOf(Buffer.from("manifest")),
  dockerReference: "registry.example.com/ns/one:v1",
};
const cannotSign = { code: "signature.cannot-sign" };

async function signerWith({ privateKey }: TestKey) {
  const keyFile = Buffer.from(await closeKeyFile(privateKey, passphrase));
  return createSigstoreSigner({ keyFile, passphrase, creator: "test 1", now: () => testTime });
}

test("what is signed with a key of any kind is verified with its public key", async () => {
  for (const kind of ["p521", "rsa", "ed25519"] as const) {
    const key = testKey(kind, "signer");
    await using signer = await signerWith(key);
    assert.equal(signer.format, "sigstore");
    const signature = await signer.sign(claim, { signal });
    const verifier = await createSigstoreVerifier(
      { identity: { type: "keys", keys: [Buffer.from(key.pem)] } },
      { now: () => testTime },
    );
    assert.deepEqual(await verifier.verify(signature), { claim, signedBy: signer.keyId });
    assert.equal(await signer.hasMade(signature, claim), true);
  }
});

test("a signer knows its own signatures for exactly one claim", async () => {
  await using signer = await signerWith(testKey());
  await using other = await signerWith(testKey());
  const signature = await signer.sign(claim, { signal });
  assert.ok(signature.format === "sigstore");
  const text = signature.annotations[annotationKeys.signature];
  assert.ok(text);
  const strangers: readonly (readonly [typeof signature, typeof claim])[] = [
    [signature, { ...claim, dockerReference: "registry.example.com/ns/one:v2" }],
    [signature, { ...claim, manifestDigest: digestOf(Buffer.from("other")) }],
    [{ ...signature, mediaType: "text/plain" }, claim],
    [{ ...signature, annotations: {} }, claim],
    [{ ...signature, annotations: { [annotationKeys.signature]: "?" } }, claim],
    [{ ...signature, payload: Buffer.concat([signature.payload, Buffer.of(32)]) }, claim],
  ];
  for (const [made, of] of strangers) assert.equal(await signer.hasMade(made, of), false);
  assert.equal(await other.hasMade(signature, claim), false);
  assert.equal(
    await signer.hasMade({ format: "simple-signing", bytes: Buffer.of() }, claim),
    false,
  );
});

test("nothing is signed without a name, after the end, or with a key that does not open", async () => {
  const key = testKey();
  const signer = await signerWith(key);
  const { manifestDigest } = claim;
  await assert.rejects(signer.sign({ manifestDigest }, { signal }), cannotSign);
  await assert.rejects(signer.sign(claim, { signal: AbortSignal.abort() }), { name: "AbortError" });
  await signer[Symbol.asyncDispose]();
  await assert.rejects(signer.sign(claim, { signal }), cannotSign);
  const keyFile = Buffer.from(key.pem);
  await assert.rejects(
    createSigstoreSigner({ keyFile, passphrase, creator: "test 1", now: () => testTime }),
    { ...cannotSign, message: "initializing private key: unsupported pem type: PUBLIC KEY" },
  );
});

test("a certificate that has run out is replaced before anything else is signed", async () => {
  let now = testTime.getTime();
  const keys: KeyObject[] = [];
  const certify = async (key: KeyObject) => {
    keys.push(key);
    const pem = `certificate ${keys.length}`;
    return { certificate: pem, chain: "chain", notAfter: new Date(now + 600_000) };
  };
  const logged: string[] = [];
  const log = {
    add: async ({ keyOrCertificate }: { keyOrCertificate: string }) => {
      logged.push(keyOrCertificate);
      return "set";
    },
  };
  await using signer = await createCertifiedSigner({
    certify,
    log,
    signal,
    creator: "test 1",
    now: () => new Date(now),
  });
  const certificates: unknown[] = [];
  for (const minutes of [0, 9, 1, 5]) {
    now += minutes * 60_000;
    const made = await signer.sign(claim, { signal });
    assert.ok(made.format === "sigstore");
    const { certificate, chain, set, signature = "" } = annotationKeys;
    certificates.push(made.annotations[certificate]);
    assert.deepEqual([made.annotations[chain], made.annotations[set]], ["chain", "set"]);
    const by = createPublicKey(keys.at(-1) as KeyObject);
    const bytes = Buffer.from(made.annotations[signature] ?? "", "base64");
    assert.ok(verify("sha256", made.payload, by, bytes));
    assert.equal(await signer.hasMade(made, claim), false);
  }
  const expected = ["certificate 1", "certificate 1", "certificate 2", "certificate 2"];
  assert.deepEqual(certificates, expected);
  assert.deepEqual(logged, expected);
});
