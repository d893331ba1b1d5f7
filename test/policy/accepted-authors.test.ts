import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptedAuthors } from "../../policy/accepted-authors.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { createToyKey, toySignature } from "./toy-signatures.ts";
import { contextOf, docker, manifestDigest, subjectOf } from "./world.ts";

const alice = createToyKey("alice");
const bob = createToyKey("bob");
const image = docker("h.example/a:1");
const claim = { digest: manifestDigest, reference: "h.example/a:1" };
const signatures = [
  toySignature(bob, claim),
  toySignature(alice, claim),
  toySignature(alice, claim, "sigstore"),
  toySignature(alice, { ...claim, reference: "h.example/a:2" }),
];
const files = { "/alice": alice.file, "/both": alice.file, "/bob": bob.file };

const signedBy = (...keyPaths: readonly string[]) => ({
  type: "signedBy",
  keyType: "GPGKeys",
  keyPaths,
});
const accept = { type: "insecureAcceptAnything" };
const layer = { type: "signedBaseLayer", baseLayerIdentity: { type: "matchExact" } };

test("acceptedAuthors() tells the signatures that some requirement accepts and none rejects", async () => {
  const rows: readonly (readonly [requirements: readonly object[], accepted: readonly number[]])[] =
    [
      [[signedBy("/alice")], [1]],
      [[signedBy("/alice", "/bob")], [0, 1]],
      [[signedBy("/alice"), signedBy("/bob")], []],
      [[signedBy("/alice"), signedBy("/alice")], [1]],
      [[accept], []],
      [[accept, layer, signedBy("/bob"), accept], [0]],
      [[signedBy("/alice"), { type: "reject" }], []],
      [[signedBy("/alice"), { type: "sigstoreSigned", keyPath: "/alice" }], []],
      [[signedBy("/missing")], []],
    ];
  for (const [requirements, expected] of rows) {
    const policy = parsePolicy(Buffer.from(JSON.stringify({ default: requirements })), "p");
    const found = await acceptedAuthors(policy, subjectOf(image, signatures), contextOf(files));
    assert.deepEqual(
      found.map(({ index }) => index),
      expected,
      JSON.stringify(requirements),
    );
    assert.ok(found.every(({ verified }) => verified.claim.manifestDigest === manifestDigest));
  }
});

test("acceptedAuthors() fails where signatures cannot be read", async () => {
  const policy = parsePolicy(Buffer.from(JSON.stringify({ default: [accept] })), "p");
  const failure = new Error("out of reach");
  const subject = { ...subjectOf(image), signatures: () => Promise.reject(failure) };
  await assert.rejects(acceptedAuthors(policy, subject, contextOf(files)), failure);
});
