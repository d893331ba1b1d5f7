import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "../../policy/gate.ts";
import { bundlesWanted } from "../../policy/overlay.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { parseOverlay } from "../../policy/parse-overlay.ts";
import type { PolicySubject } from "../../policy/subject.ts";
import { createVerifiers } from "../../sigstore/create-verifiers.ts";
import { makeBundle, makeTrustedRoot, statementOf } from "../support/bundle.ts";
import {
  altNames,
  issuerV2,
  makeCa,
  makeCertificate,
  testKey,
  testTime,
} from "../support/certificates.ts";
import { payloadFor, signatureBy } from "../support/sigstore.ts";
import { contextOf, docker, manifestDigest, subjectOf } from "./world.ts";

const key = testKey();
const other = testKey();
const image = docker("registry.example.com/ns/one:v1");
const statement = statementOf(manifestDigest.slice(7));
const bundle = makeBundle({ statement, signer: key, log: false });
const stranger = makeBundle({ statement, signer: other, log: false });
const attachment = signatureBy(key, payloadFor(manifestDigest, "registry.example.com/ns/one:v1"));

const byDigest = { type: "sigstoreBundle", bundle: true, signedIdentity: { type: "matchDigest" } };
const byKey = { ...byDigest, keyPath: "/key" };
const files = {
  "/key": Buffer.from(key.pem),
  "/root": makeTrustedRoot({ authorities: [[makeCa()]] }),
};

const bytesOf = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const overlayOf = (list: unknown, scope = "registry.example.com/ns") => ({
  transports: { docker: { [scope]: list } },
});
const parse = (value: unknown) => parseOverlay(bytesOf(value), "x");

const accept = [{ type: "insecureAcceptAnything" }];
const reject = [{ type: "reject" }];
const signed = [{ type: "sigstoreSigned", keyPath: "/key" }];

async function verdict(
  policy: unknown,
  overlay: unknown,
  subject: Partial<PolicySubject>,
  requireSigned = false,
) {
  const context = contextOf(files, {
    verifiers: createVerifiers({ now: () => testTime }),
    overlay: parse(overlay),
    requireSigned,
  });
  const gate = createGate(parsePolicy(bytesOf({ default: policy }), "p"), context);
  return await gate.verdict({ ...subjectOf(image), ...subject });
}

const bundles = (...all: readonly Uint8Array[]) => ({ bundles: async () => all });

test("an overlay asks for a bundle where the policy asks for nothing of the kind", async () => {
  const overlay = overlayOf([byKey]);
  const good = await verdict(accept, overlay, bundles(stranger, bundle), true);
  assert.equal(good.allowed, true);
  for (const found of [bundles(), bundles(stranger), {}]) {
    assert.equal((await verdict(accept, overlay, found)).allowed, false);
  }
  const { error } = await verdict(accept, overlay, bundles());
  assert.equal(error, "A bundle was required, but no bundle exists");
});

test("a bundle stands in for the attachment that sigstoreSigned asks for, and needs it not", async () => {
  const overlay = overlayOf([byKey]);
  assert.equal((await verdict(signed, overlay, bundles(bundle))).allowed, true);
  const attached = { signatures: async () => [attachment] };
  assert.equal((await verdict(signed, overlay, attached)).allowed, true);
  const neither = await verdict(signed, overlay, bundles(stranger));
  assert.equal(neither.allowed, false);
  assert.equal(neither.error, "A signature was required, but no signature exists");
  assert.equal(
    (await verdict(signed, overlayOf([byKey], "elsewhere"), bundles(bundle))).allowed,
    false,
  );
});

test("a bundle does not stand in for anything else", async () => {
  const overlay = overlayOf([byKey]);
  const simple = [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/key" }];
  for (const policy of [reject, [...accept, ...reject], [...signed, ...reject], simple]) {
    assert.equal((await verdict(policy, overlay, bundles(bundle))).allowed, false);
  }
});

test("each requirement of an overlay has to hold", async () => {
  const both = overlayOf([byKey, { ...byDigest, keyData: bytesOf(other.pem).toString("base64") }]);
  assert.equal((await verdict(accept, both, bundles(bundle, stranger))).allowed, true);
  assert.equal((await verdict(accept, both, bundles(bundle))).allowed, false);
});

test("certificates are accepted by identity from a trusted root", async () => {
  const ca = makeCa();
  const certificate = makeCertificate({
    issuer: ca,
    key,
    extensions: [altNames([{ uri: "https://ci.example.com/one" }]), issuerV2("https://issuer")],
  });
  const certified = makeBundle({ statement, signer: key, certificate });
  const trustedRootData = makeTrustedRoot({ authorities: [[ca]] }).toString("base64");
  const by = (identity: object) =>
    overlayOf([{ ...byDigest, trustedRootData, identities: [identity] }]);
  const right = { issuer: "https://issuer", subjectUri: "https://ci.example.com/one" };
  const pattern = { issuerPattern: "https://is+uer", subjectPattern: "https://ci\\..*" };
  for (const identity of [right, pattern]) {
    assert.equal((await verdict(accept, by(identity), bundles(certified))).allowed, true);
  }
  const wrong = { issuerPattern: "https://iss", subjectUri: "https://ci.example.com/one" };
  assert.equal((await verdict(accept, by(wrong), bundles(certified))).allowed, false);
});

test("keys that cannot be read, and bundles that cannot be, refuse", async () => {
  const absent = overlayOf([{ ...byDigest, keyPath: "/absent" }]);
  const { allowed, error } = await verdict(accept, absent, bundles(bundle));
  assert.deepEqual([allowed, error], [false, "open /absent: no such file or directory"]);
  const broken = {
    bundles: async () => {
      parse("{");
      return [];
    },
  };
  for (const policy of [accept, signed]) {
    const refused = await verdict(policy, overlayOf([byKey]), broken);
    assert.deepEqual([refused.allowed, refused.code], [false, "fetch.failed"]);
  }
});

test("the nearest scope of an overlay counts", () => {
  const overlay = parse({
    transports: { docker: { "": [byKey], "registry.example.com/ns/one": [byKey, byKey] } },
  });
  assert.equal(bundlesWanted(overlay, image)?.length, 2);
  assert.equal(bundlesWanted(overlay, docker("registry.example.com/ns/two:v1"))?.length, 1);
  assert.equal(bundlesWanted(parse(overlayOf([byKey], "elsewhere")), image), undefined);
});

test("an overlay is read as strictly as a policy", () => {
  const identity = { issuer: "i", subjectEmail: "e" };
  const certified = { ...byDigest, trustedRootPath: "/root", identities: [identity] };
  parse(overlayOf([certified]));
  const wrong: readonly unknown[] = [
    "",
    "[]",
    "{}",
    { transports: { oci: {} } },
    { transports: {}, default: [] },
    '{"transports":{},"transports":{}}',
    overlayOf([]),
    overlayOf(null),
    overlayOf([{ type: "sigstoreSigned", keyPath: "/key" }]),
    overlayOf([{ ...byDigest }]),
    overlayOf([{ ...byKey, bundle: undefined }]),
    overlayOf([{ ...byKey, bundle: "true" }]),
    overlayOf([{ ...byKey, signedIdentity: undefined }]),
    overlayOf([{ ...byKey, signedIdentity: { type: "matchExact" } }]),
    overlayOf([{ ...byKey, more: 1 }]),
    overlayOf([{ ...byKey, keyData: "AAAA" }]),
    overlayOf([{ ...byKey, identities: [identity] }]),
    overlayOf([{ ...byDigest, keyPaths: [] }]),
    overlayOf([{ ...certified, trustedRootPath: undefined }]),
    overlayOf([{ ...certified, trustedRootData: "AAAA" }]),
    overlayOf([{ ...certified, identities: [] }]),
    overlayOf([{ ...certified, identities: [{ issuer: "i" }] }]),
    overlayOf([{ ...certified, identities: [{ ...identity, issuerPattern: "i" }] }]),
    overlayOf([{ ...certified, identities: [{ ...identity, subjectUri: "u" }] }]),
    overlayOf([{ ...certified, identities: [{ issuer: "i", subjectPattern: "(" }] }]),
    overlayOf([{ ...certified, identities: [{ issuer: "", subjectEmail: "e" }] }]),
  ];
  for (const overlay of wrong) {
    assert.throws(() => parse(overlay), { code: "policy.invalid" }, JSON.stringify(overlay));
  }
});
