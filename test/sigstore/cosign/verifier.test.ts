import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createSigstoreVerifier } from "../../../sigstore/cosign/verifier.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import type { VerifiedSignature } from "../../../sigstore/verifiers.ts";
import { testTime } from "../../support/certificates.ts";
import { allCases, normalised, type Recorded } from "./cases/all.ts";
import { manifestDigest, reference, type VerifyCase } from "./cases/case.ts";

const recorded: Recorded = JSON.parse(
  readFileSync(new URL("../../fixtures/sigstore/1.22.json", import.meta.url), "utf8"),
);

async function verify({ trust, signature }: VerifyCase): Promise<VerifiedSignature> {
  const verifier = await createSigstoreVerifier(trust, { now: () => testTime });
  return verifier.verify(signature);
}

/** "" where we accept. */
async function outcome(one: VerifyCase): Promise<string> {
  try {
    const { claim } = await verify(one);
    assert.deepEqual(claim, { manifestDigest, dockerReference: reference });
    return "";
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    assert.notEqual(error.message, "");
    return normalised(error.message);
  }
}

for (const one of allCases) {
  test(`as skopeo 1.22: ${one.name}`, async () => {
    const theirs = recorded[one.name];
    const ours = await outcome(one);
    if (one.stricter !== undefined) assert.deepEqual([theirs, ours !== ""], ["", true]);
    else if (one.ownWords !== undefined) assert.ok(theirs && ours);
    else assert.equal(ours, theirs);
  });
}
