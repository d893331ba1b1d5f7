import assert from "node:assert/strict";
import { test } from "node:test";
import { PolicyError } from "../../policy/errors.ts";
import { createGate } from "../../policy/gate.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { SignatureError } from "../../sigstore/errors.ts";
import type { UntrustedSignature } from "../../sigstore/signature.ts";
import { digestOf } from "../../src/core/digest.ts";
import { parseDockerReference } from "../../src/core/docker-reference.ts";
import { KnownError } from "../../src/core/errors.ts";
import type { ImageReference } from "../../src/core/image-reference.ts";
import { createToyKey, tampered, toySignature } from "./toy-signatures.ts";
import {
  contextOf,
  docker,
  gateOf,
  manifestDigest,
  referenceOf,
  stepsOf,
  subjectOf,
} from "./world.ts";

const alice = createToyKey("alice");
const bob = createToyKey("bob", { expires: "2027-01-01T00:00:00Z" });
const carol = createToyKey("carol", { expires: "2026-12-01T00:00:00Z" });
const revoked = createToyKey("revoked", { revoked: true });
const expired = createToyKey("expired", { expires: "2020-01-01T00:00:00Z" });
const files = {
  "/alice": alice.file,
  "/bob": bob.file,
  "/carol": carol.file,
  "/revoked": revoked.file,
  "/expired": expired.file,
  "/garbage": Buffer.from("-----BEGIN GARBAGE"),
  "/empty": new Uint8Array(),
};

const image = docker("h.example/ns/one:v1");
const other = `sha256:${"0".repeat(64)}`;
const good = { digest: manifestDigest, reference: "h.example/ns/one:v1" };
const byAlice = toySignature(alice, good);
const byBob = toySignature(bob, good);
const sigstore = toySignature(alice, good, "sigstore");
const attachment = toySignature(alice, good, "attachment");
const notJson = toySignature(alice, "{");

const signedBy = (...paths: readonly string[]) => ({
  type: "signedBy",
  keyType: "GPGKeys",
  keyPaths: paths,
});
const sigstoreSigned = (...paths: readonly string[]) => ({
  type: "sigstoreSigned",
  keyPaths: paths,
});
const accept = { type: "insecureAcceptAnything" };
const reject = { type: "reject" };
const unsigned = "A signature was required, but no signature exists";
const noKey = "Invalid GPG signature: no key bob";
const missing = "open /missing: no such file or directory";

type Row = readonly [
  requirements: readonly object[],
  signatures: readonly UntrustedSignature[],
  error?: string,
];

// Rows E15, E30, A, B, C, D, I of specs/signing.md, as far as the policy decides them.
const rows: readonly Row[] = [
  [[accept], []],
  [[accept], [notJson]],
  [[reject], [byAlice], "Running image docker://h.example/ns/one:v1 is rejected by policy."],
  [
    [{ type: "signedBaseLayer", baseLayerIdentity: { type: "matchExact" } }],
    [byAlice],
    "signedBaseLayer not implemented yet!",
  ],
  [[signedBy("/alice")], [byAlice]],
  [[signedBy("/alice")], [], unsigned],
  [[signedBy("/alice")], [byBob], noKey],
  [[signedBy("/alice")], [byBob, byAlice]],
  [
    [signedBy("/alice")],
    [byBob, byBob],
    `None of the signatures were accepted, reasons: ${noKey}; ${noKey}`,
  ],
  [[signedBy("/alice", "/bob")], [byBob]],
  [[signedBy("/alice", "/garbage")], [byAlice]],
  [[signedBy("/alice", "/missing")], [byAlice], missing],
  [[signedBy("/missing")], [], unsigned],
  [
    [signedBy("/missing")],
    [byAlice, byBob],
    `None of the signatures were accepted, reasons: ${missing}; ${missing}`,
  ],
  [[signedBy("/garbage")], [byAlice], "No public keys imported"],
  [[signedBy("/empty")], [byAlice], "No public keys imported"],
  [[signedBy()], [byAlice], "No public keys imported"],
  [
    [{ type: "signedBy", keyType: "GPGKeys", keyData: Buffer.from(alice.file).toString("base64") }],
    [byAlice],
  ],
  [[{ type: "signedBy", keyType: "GPGKeys", keyData: "" }], [byAlice], "No public keys imported"],
  ...["signedByGPGKeys", "X509Certificates", "signedByX509CAs"].map(
    (keyType): Row => [
      [{ type: "signedBy", keyType, keyPath: "/alice" }],
      [byAlice],
      `Unimplemented "keyType" value "${keyType}"`,
    ],
  ),
  [
    [signedBy("/revoked")],
    [toySignature(revoked, good)],
    "Invalid GPG signature: key revoked is revoked",
  ],
  [
    [signedBy("/expired")],
    [toySignature(expired, good)],
    "Invalid GPG signature: key expired expired",
  ],
  [[signedBy("/alice")], [tampered(byAlice)], "Invalid GPG signature: bad signature"],
  [[signedBy("/alice")], [notJson], "unexpected end of JSON input"],
  [
    [signedBy("/alice")],
    [toySignature(alice, { ...good, digest: other })],
    `Signature for digest ${other} does not match`,
  ],
  // a digest by another algorithm never matches, however right
  [
    [signedBy("/alice")],
    [toySignature(alice, { ...good, digest: `sha512:${"0".repeat(128)}` })],
    `Signature for digest sha512:${"0".repeat(128)} does not match`,
  ],
  [
    [signedBy("/alice")],
    [toySignature(alice, { ...good, reference: "h.example/ns/one:v2" })],
    'Signature for identity "h.example/ns/one:v2" is not accepted',
  ],
  [
    [signedBy("/alice")],
    [toySignature(alice, { digest: manifestDigest })],
    'Signature for identity "" is not accepted',
  ],
  // digest before identity
  [
    [signedBy("/alice")],
    [toySignature(alice, { digest: other, reference: "x:y" })],
    `Signature for digest ${other} does not match`,
  ],
  [[signedBy("/alice"), signedBy("/bob")], [byAlice], "Invalid GPG signature: no key alice"],
  [
    [signedBy("/alice"), signedBy("/bob")],
    [byAlice, byBob],
  ],
  [[accept, signedBy("/alice")], [], unsigned],
  [[accept, reject], [], "Running image docker://h.example/ns/one:v1 is rejected by policy."],
  [
    [signedBy("/alice"), reject],
    [byAlice],
    "Running image docker://h.example/ns/one:v1 is rejected by policy.",
  ],
  // the two kinds of signature do not stand in for each other
  [[sigstoreSigned("/alice")], [sigstore]],
  [[sigstoreSigned("/alice")], [], unsigned],
  [
    [sigstoreSigned("/alice")],
    [byAlice],
    `${unsigned} (1 non-sigstore signatures, 0 sigstore non-signature attachments)`,
  ],
  [
    [sigstoreSigned("/alice")],
    [byAlice, attachment, attachment],
    `${unsigned} (1 non-sigstore signatures, 2 sigstore non-signature attachments)`,
  ],
  [[signedBy("/alice")], [sigstore], unsigned],
  [[signedBy("/alice"), sigstoreSigned("/alice")], [sigstore], unsigned],
  [
    [signedBy("/alice"), sigstoreSigned("/alice")],
    [sigstore, byAlice],
  ],
  [[sigstoreSigned("/alice")], [toySignature(bob, good, "sigstore"), sigstore]],
  [[sigstoreSigned("/alice", "/missing")], [sigstore], missing],
  [
    [{ type: "sigstoreSigned", keyPath: "/alice", rekorPublicKeyPath: "/missing" }],
    [sigstore],
    missing,
  ],
  [[{ type: "sigstoreSigned", keyPath: "/alice", rekorPublicKeyPath: "/bob" }], [sigstore]],
  [
    [{ type: "sigstoreSigned", keyDatas: [Buffer.from(alice.file).toString("base64")] }],
    [sigstore],
  ],
  [
    [
      {
        type: "sigstoreSigned",
        fulcio: { caPath: "/alice", oidcIssuer: "i", subjectEmail: "e" },
        rekorPublicKeyData: "aGk=",
      },
    ],
    [sigstore],
  ],
  [
    [
      {
        type: "sigstoreSigned",
        pki: { caRootsPath: "/alice", caIntermediatesPath: "/bob", subjectEmail: "e" },
      },
    ],
    [sigstore],
  ],
  [
    [
      {
        type: "sigstoreSigned",
        pki: { caRootsPath: "/alice", caIntermediatesPath: "/missing", subjectHostname: "h" },
      },
    ],
    [sigstore],
    missing,
  ],
  [[{ type: "sigstoreSigned", pki: { caRootsPath: "/alice", subjectHostname: "h" } }], [sigstore]],
];

test("an image is allowed or refused with the reference's words", async () => {
  for (const [requirements, signatures, error] of rows) {
    const what = JSON.stringify(requirements);
    const gate = gateOf({ default: requirements }, contextOf(files));
    const verdict = await gate.verdict(subjectOf(image, signatures));
    assert.equal(verdict.error, error, what);
    assert.equal(verdict.allowed, error === undefined, what);
    assert.equal(
      verdict.allowed,
      verdict.steps.filter(({ kind }) => kind === "requirement").every(({ ok }) => ok),
      what,
    );
    const admitted = gate.admit(subjectOf(image, signatures));
    if (error === undefined) await admitted;
    else
      await assert.rejects(
        admitted,
        { code: "policy.refused", message: `Source image rejected: ${error}` },
        what,
      );
  }
});

test("a verdict says each step, in order, and what it was about", async () => {
  const gate = gateOf(
    { default: [signedBy("/alice")] },
    contextOf(files, { policyFile: { path: "/p", sha256: "ab" } }),
  );
  const wrongName = toySignature(alice, {
    digest: manifestDigest,
    reference: "h.example/ns/one:v2",
  });
  const verdict = await gate.verdict(
    subjectOf(image, [sigstore, byBob, notJson, wrongName, byAlice]),
  );
  assert.deepEqual(stepsOf(verdict), [
    "scope.chosen",
    "requirement.signed",
    "fetch.done",
    ...["signature.rejected", "signature.unknown-key"],
    ...["signature.rejected", "signature.bad-payload"],
    ...[
      "signature.rejected",
      "crypto.verified",
      "payload.parsed",
      "digest.matches",
      "identity.differs",
    ],
    ...[
      "signature.accepted",
      "crypto.verified",
      "payload.parsed",
      "digest.matches",
      "identity.matches",
    ],
  ]);
  const differs = verdict.steps.find(({ code }) => code === "identity.differs");
  assert.deepEqual(differs?.data, {
    signature: 3,
    claimed: "h.example/ns/one:v2",
    intended: "h.example/ns/one:v1",
    match: { type: "matchRepoDigestOrExact" },
  });
  assert.deepEqual(verdict.policy, { path: "/p", sha256: "ab" });
  assert.equal(verdict.image, "docker:h.example/ns/one:v1");
  assert.deepEqual(verdict.steps[1]?.data, {
    index: 0,
    type: "signedBy",
    signedIdentity: { type: "matchRepoDigestOrExact" },
    keys: ["/alice"],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(verdict)).steps.length, verdict.steps.length);
});

test("a verdict ends when the first of the signatures that it needs does", async () => {
  const ends = async (...requirements: readonly object[]) => {
    const gate = gateOf({ default: requirements }, contextOf(files));
    const signatures = [byAlice, byBob, toySignature(carol, good)];
    return (await gate.verdict(subjectOf(image, signatures))).validUntil
      ?.toISOString()
      .slice(0, 10);
  };
  assert.equal(await ends(accept), undefined);
  assert.equal(await ends(signedBy("/alice")), undefined);
  assert.equal(await ends(signedBy("/alice"), signedBy("/bob")), "2027-01-01");
  assert.equal(await ends(signedBy("/bob"), signedBy("/carol")), "2026-12-01");
  assert.equal(await ends(signedBy("/carol"), signedBy("/bob")), "2026-12-01");
});

test("signatures and keys are read only where a requirement asks, and once", async () => {
  let fetched = 0;
  const read: string[] = [];
  const context = contextOf(files);
  const counting = {
    ...context,
    readKeyFile: (path: string) => {
      read.push(path);
      return context.readKeyFile(path);
    },
  };
  const subject = {
    ...subjectOf(image),
    signatures: async () => {
      fetched += 1;
      return [byBob, byAlice];
    },
  };
  const ask = (...requirements: readonly object[]) =>
    gateOf({ default: requirements }, counting).verdict(subject);
  await ask(accept);
  await ask(reject, signedBy("/alice"));
  assert.deepEqual([fetched, read], [0, []]);
  await ask(signedBy("/alice"), signedBy("/bob"));
  assert.deepEqual([fetched, read], [1, ["/alice", "/bob"]]);
});

test("signatures that cannot be read refuse, also where one of them would have been good", async () => {
  const failure = new KnownError("store.failed", "reading signatures: status 500", {
    retryable: true,
  });
  const subject = { ...subjectOf(image), signatures: () => Promise.reject(failure) };
  const gate = gateOf({ default: [signedBy("/alice")] }, contextOf(files));
  const verdict = await gate.verdict(subject);
  assert.deepEqual(
    [verdict.allowed, verdict.code, verdict.error],
    [false, "fetch.failed", "reading signatures: status 500"],
  );
  assert.deepEqual(stepsOf(verdict), ["scope.chosen", "fetch.failed", "fetch.failed"]);
  await assert.rejects(gate.admit(subject), (error) => {
    assert.ok(error instanceof PolicyError);
    assert.deepEqual([error.code, error.retryable, error.cause], ["policy.refused", true, failure]);
    return true;
  });
});

test("what nobody foresaw passes through untouched, and allows nothing", async () => {
  const bug = new TypeError("bug");
  const gate = gateOf({ default: [signedBy("/alice")] }, contextOf(files));
  await assert.rejects(
    gate.verdict({ ...subjectOf(image), signatures: () => Promise.reject(bug) }),
    bug,
  );
  const context = contextOf(files, { readKeyFile: () => Promise.reject(bug) });
  await assert.rejects(
    gateOf({ default: [signedBy("/alice")] }, context).admit(subjectOf(image, [byAlice])),
    bug,
  );
  const { verifiers } = contextOf(files);
  const broken = {
    ...verifiers,
    simpleSigning: async () => ({ verify: () => Promise.reject(bug) }),
  };
  const withBroken = gateOf(
    { default: [signedBy("/alice")] },
    contextOf(files, { verifiers: broken }),
  );
  await assert.rejects(withBroken.admit(subjectOf(image, [byAlice])), bug);
});

test("a sha512 never matches, not even itself", async () => {
  const long = digestOf(Buffer.from("manifest"), "sha512");
  const signature = toySignature(alice, { ...good, digest: long });
  const gate = gateOf({ default: [signedBy("/alice")] }, contextOf(files));
  const verdict = await gate.verdict({ ...subjectOf(image, [signature]), manifestDigest: long });
  assert.equal(verdict.error, `Signature for digest ${long} does not match`);
});

test("a key file that the system refuses is told in a word, and refuses", async () => {
  const error = Object.assign(new Error("EISDIR: illegal operation"), { code: "EISDIR" });
  const context = contextOf(files, { readKeyFile: () => Promise.reject(error) });
  const verdict = await gateOf({ default: [signedBy("/k")] }, context).verdict(
    subjectOf(image, [byAlice]),
  );
  assert.equal(verdict.error, "open /k: EISDIR");
});

test("with requireSigned an image passes only on a requirement that checks a signature", async () => {
  const context = contextOf(files, { requireSigned: true });
  const error = "No signature verification policy found for image docker:h.example/ns/one:v1";
  const ask = async (...requirements: readonly object[]) =>
    (
      await gateOf({ default: requirements }, context).verdict(
        subjectOf(image, [byAlice, sigstore]),
      )
    ).error;
  assert.equal(await ask(accept), error);
  assert.equal(await ask(accept, accept), error);
  assert.equal(await ask(accept, signedBy("/alice")), undefined);
  assert.equal(await ask(sigstoreSigned("/alice")), undefined);
  assert.equal(await ask(signedBy("/bob")), "Invalid GPG signature: no key alice");
  const { error: insecure } = await createGate(acceptAnything, context).verdict(subjectOf(image));
  assert.equal(insecure, error);
});

test("an image without a name is signed by those requirements only that name one", async () => {
  const folder = referenceOf("dir", "/a/b", ["/a"]);
  const ask = async (signedIdentity?: object) => {
    const requirement = { ...signedBy("/alice"), ...(signedIdentity && { signedIdentity }) };
    return (
      await gateOf({ default: [requirement] }, contextOf(files)).verdict(
        subjectOf(folder, [byAlice]),
      )
    ).allowed;
  };
  assert.equal(await ask(), false);
  assert.equal(await ask({ type: "matchRepository" }), false);
  assert.equal(await ask({ type: "exactReference", dockerReference: "h.example/ns/one:v1" }), true);
  assert.equal(await ask({ type: "exactRepository", dockerRepository: "h.example/ns/one" }), true);
});

test("in a registry an image asked for by tag and digest is named by its digest, elsewhere by both", async () => {
  const named = parseDockerReference(`h.example/ns/one:v1@${manifestDigest}`);
  const registry = docker(`h.example/ns/one:v1@${manifestDigest}`);
  const store = { ...referenceOf("containers-storage", "[/s]x"), docker: named };
  const reference = "h.example/ns/one:other";
  const ask = (asked: ImageReference) =>
    gateOf({ default: [signedBy("/alice")] }, contextOf(files)).verdict(
      subjectOf(asked, [toySignature(alice, { ...good, reference })]),
    );
  const found = await ask(registry);
  assert.equal(found.allowed, true);
  const { data } = found.steps.at(-1) ?? {};
  assert.ok(data && "intended" in data);
  assert.equal(data.intended, `h.example/ns/one@${manifestDigest}`);
  assert.equal((await ask(store)).allowed, false);
});

test("a verdict tells which signature was rejected, which accepted, and what decided", async () => {
  const policy = { default: [reject], transports: { docker: { "": [signedBy("/alice")] } } };
  const elsewhere = toySignature(alice, { ...good, digest: other });
  const ask = (...signatures: readonly UntrustedSignature[]) =>
    gateOf(policy, contextOf(files)).verdict(subjectOf(image, signatures));
  const good2 = await ask(elsewhere, byAlice);
  const [scope] = good2.steps;
  assert.deepEqual([scope?.ok, scope?.message], [true, 'default of transport "docker" decides']);
  const { entry } = (scope?.data ?? {}) as { readonly entry?: string };
  assert.deepEqual([entry, good2.scope], ["transport-default", ""]);
  const told = good2.steps.filter(({ kind }) => kind === "signature");
  assert.deepEqual(
    told.map(({ ok, message }) => [ok, message]),
    [
      [false, "signature 1 is rejected"],
      [true, "signature 2 is accepted"],
    ],
  );
  assert.ok(stepsOf(good2).includes("digest.differs"));
  const refused = await ask(elsewhere);
  assert.deepEqual([refused.code, refused.allowed], ["requirement.none-accepted", false]);
  const differs = refused.steps.find(({ kind }) => kind === "digest");
  assert.deepEqual([differs?.ok, differs?.code], [false, "digest.differs"]);
  const { policy: none } = await gateOf({ default: [accept] }, contextOf(files)).verdict(
    subjectOf(image),
  );
  assert.equal(none, undefined);
});

test("verifiers that cannot be made reject every signature with their reason", async () => {
  const { verifiers } = contextOf(files);
  const broken = {
    ...verifiers,
    sigstore: () =>
      Promise.reject(new SignatureError("signature.bad-trust", "parsing public key 2: no")),
  };
  const gate = gateOf(
    { default: [sigstoreSigned("/alice")] },
    contextOf(files, { verifiers: broken }),
  );
  assert.equal(
    (await gate.verdict(subjectOf(image, [sigstore]))).error,
    "parsing public key 2: no",
  );
});
