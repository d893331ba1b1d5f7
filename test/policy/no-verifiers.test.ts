import assert from "node:assert/strict";
import { test } from "node:test";
import { noVerifiers } from "../../sigstore/no-verifiers.ts";
import { createToyKey, toySignature } from "./toy-signatures.ts";
import { contextOf, docker, gateOf, manifestDigest, subjectOf } from "./world.ts";

test("without verifiers no signature is believed", async () => {
  const key = createToyKey("alice");
  const claim = { digest: manifestDigest, reference: "h.example/a:1" };
  const signatures = [toySignature(key, claim), toySignature(key, claim, "sigstore")];
  const context = contextOf({ "/k": key.file }, { verifiers: noVerifiers });
  for (const requirement of [
    { type: "signedBy", keyType: "GPGKeys", keyPath: "/k" },
    { type: "sigstoreSigned", keyPath: "/k" },
  ]) {
    const gate = gateOf({ default: [requirement] }, context);
    const verdict = await gate.verdict(subjectOf(docker("h.example/a:1"), signatures));
    assert.equal(verdict.error, "signatures cannot be verified here");
  }
});
