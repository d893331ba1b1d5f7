import assert from "node:assert/strict";
import { test } from "node:test";
import { annotationKeys, type SigstoreSignature } from "../../../sigstore/cosign/attachment.ts";
import { keyIdOf } from "../../../sigstore/cosign/public-key.ts";
import { createSigstoreVerifier } from "../../../sigstore/cosign/verifier.ts";
import type { SigstoreTrust, VerifiedSignature } from "../../../sigstore/verifiers.ts";
import {
  altNames,
  daysOn,
  extKeyUsage,
  issuerV1,
  makeCa,
  makeCertificate,
  type TestCertificate,
  testTime,
  toPem,
  usages,
} from "../../support/certificates.ts";
import { loggedAt, makeSet } from "../../support/sigstore.ts";
import { goodSignature, keys, payload, signer } from "./cases/case.ts";
import { certified } from "./cases/fulcio.ts";
import { rekor } from "./cases/rekor.ts";

async function prove(
  trust: SigstoreTrust,
  signature: SigstoreSignature,
  now = testTime,
): Promise<VerifiedSignature> {
  return (await createSigstoreVerifier(trust, { now: () => now })).verify(signature);
}

const rekorKeys = [Buffer.from(rekor.pem)];
const logged = { ...keys(signer), rekorKeys };
const withSet = (more: Partial<Parameters<typeof makeSet>[0]> = {}): SigstoreSignature => {
  const good = goodSignature();
  const signature = good.annotations[annotationKeys.signature] ?? "";
  const set = makeSet({ rekor, payload, signature, publicKey: signer.pem, ...more });
  return { ...good, annotations: { ...good.annotations, [annotationKeys.set]: set } };
};

const email = "ann@example.com";
const host = "signer.example.com";
const root = makeCa({ subject: "root", notAfter: daysOn(30) });
const middle = makeCa({ subject: "middle", issuer: root, notAfter: daysOn(3) });
const extensions = [
  altNames([{ email, dns: host }]),
  extKeyUsage(usages.codeSigning),
  issuerV1("https://issuer"),
];
const leafOf = (issuer: TestCertificate, notAfter = daysOn(1)) =>
  makeCertificate({ issuer, key: signer, extensions, notAfter });
const pki = (more: object): SigstoreTrust => ({
  identity: { type: "pki", caRoots: Buffer.from(root.pem), subjectEmail: email, ...more },
});

test("a key proves itself, and what is logged when it was signed", async () => {
  assert.equal((await prove(keys(signer), goodSignature())).signedBy, keyIdOf(signer.publicKey));
  const { claim: _, ...plain } = await prove(keys(signer), goodSignature());
  assert.deepEqual(plain, { signedBy: keyIdOf(signer.publicKey) });
  const { signedAt, validUntil } = await prove(logged, withSet());
  assert.deepEqual([signedAt, validUntil], [new Date(loggedAt * 1000), undefined]);
});

test("a log may be five minutes ahead, and no second more", async () => {
  const ahead = (seconds: number) => new Date((loggedAt - seconds) * 1000);
  for (const seconds of [-1, 0, 1, 299, 300]) await prove(logged, withSet(), ahead(seconds));
  for (const seconds of [301, 600, 1_000_000]) {
    await assert.rejects(prove(logged, withSet(), ahead(seconds)), {
      code: "signature.bad-log-entry",
      message: "Rekor SET is dated in the future",
    });
  }
});

test("a certificate proves whom it names, until the first of its chain ends", async () => {
  const direct = certified(leafOf(root, daysOn(7)));
  const { claim: _, ...proof } = await prove(pki({}), direct);
  assert.deepEqual(proof, { signedBy: email, validUntil: daysOn(7) });
  const both = await prove(pki({ subjectHostname: host }), direct);
  assert.equal(both.signedBy, `${email}, ${host}`);
  const chain = `${middle.pem}${root.pem}`;
  const below = certified(leafOf(middle, daysOn(7)), { chain });
  assert.deepEqual((await prove(pki({}), below)).validUntil, daysOn(3));
  assert.deepEqual(
    (await prove(pki({}), certified(leafOf(root), { chain: "" }))).validUntil,
    daysOn(1),
  );
  const fulcio: SigstoreTrust = {
    identity: {
      type: "fulcio",
      ca: Buffer.from(root.pem),
      oidcIssuer: "https://issuer",
      subjectEmail: email,
    },
    rekorKeys,
  };
  const keyless = await prove(fulcio, certified(leafOf(root)));
  assert.equal(keyless.signedBy, `${email} (https://issuer)`);
  assert.deepEqual(keyless.signedAt, new Date(loggedAt * 1000));
});

test("what is no signature is refused, whatever it holds", async () => {
  const good = goodSignature();
  const malformed = { code: "signature.malformed" };
  const attestation = { ...good, mediaType: "application/vnd.dsse.envelope.v1+json" };
  await assert.rejects(prove(keys(signer), attestation), malformed);
  await assert.rejects(prove(keys(signer), { ...good, mediaType: "" }), malformed);
  const verifier = await createSigstoreVerifier(keys(signer), { now: () => testTime });
  const simple = { ...good, format: "simple-signing", bytes: payload } as const;
  await assert.rejects(verifier.verify(simple), malformed);
});

test("each refusal has the code of what is wrong", async () => {
  const changed = (annotations: Readonly<Record<string, string>>) => {
    const good = withSet();
    return { ...good, annotations: { ...good.annotations, ...annotations } };
  };
  const other = Buffer.alloc(70).toString("base64");
  const refusals: readonly (readonly [SigstoreTrust, SigstoreSignature, string])[] = [
    [keys(signer), changed({ [annotationKeys.signature]: "*" }), "signature.malformed"],
    [keys(signer), changed({ [annotationKeys.signature]: other }), "signature.bad"],
    [logged, goodSignature(), "signature.bad-log-entry"],
    [logged, changed({ [annotationKeys.set]: "{" }), "signature.bad-log-entry"],
    [logged, withSet({ publicKey: root.pem }), "signature.bad-log-entry"],
    [logged, withSet({ body: () => "[]" }), "signature.bad-log-entry"],
    [pki({}), goodSignature(), "signature.bad-certificate"],
    [pki({}), certified(leafOf(makeCa())), "signature.bad-certificate"],
    [
      pki({}),
      certified(leafOf(root), { certificate: toPem("CERTIFICATE", Buffer.of(1)) }),
      "signature.bad-certificate",
    ],
  ];
  for (const [trust, signature, code] of refusals) {
    await assert.rejects(prove(trust, signature), { code });
  }
});

test("numbers of a log that are no int64 are refused though the log signed them", async () => {
  for (const logIndex of [2 ** 63, -(2 ** 63) - 4096, 1e19, 1.5]) {
    const signature = withSet({ signed: (made) => ({ ...made, logIndex }) });
    await assert.rejects(prove(logged, signature), { message: /Go value of type int64/ });
  }
  for (const logIndex of [0, -1, 2 ** 53]) {
    await prove(logged, withSet({ signed: (made) => ({ ...made, logIndex }) }));
  }
});
