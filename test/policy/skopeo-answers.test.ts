import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PolicyError } from "../../policy/errors.ts";
import { createGate } from "../../policy/gate.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { digestOf } from "../../src/core/digest.ts";
import { noTrust } from "../support/no-trust.ts";

/** See `test/fixtures/policy/README.md`. */
interface Answer {
  readonly policy?: string;
  readonly base64?: string;
  readonly invalid?: string;
  readonly refused?: string;
}

const file = new URL("../fixtures/policy/skopeo-1.22.json", import.meta.url);
const answers = JSON.parse(readFileSync(file, "utf8")) as readonly Answer[];

const subject = {
  reference: {
    transport: "dir",
    text: "/tmp/pol/img",
    policyIdentity: "/tmp/pol/img",
    policyNamespaces: ["/tmp/pol", "/tmp"],
  },
  manifestDigest: digestOf(new Uint8Array()),
  signatures: async () => [],
} as const;

/** What this project makes of the same file. */
async function answerTo(bytes: Uint8Array): Promise<Answer> {
  try {
    await createGate(parsePolicy(bytes, "p"), noTrust).admit(subject);
    return {};
  } catch (error) {
    assert.ok(error instanceof PolicyError, String(error));
    return error.code === "policy.invalid"
      ? { invalid: error.message.replace('invalid policy in "p": ', "") }
      : { refused: error.message.replace("Source image rejected: ", "") };
  }
}

test("policies are read, and an unsigned image is judged, as skopeo 1.22 does", async () => {
  assert.ok(answers.length > 1_000);
  for (const { policy, base64, ...expected } of answers) {
    const bytes = policy === undefined ? Buffer.from(base64 ?? "", "base64") : Buffer.from(policy);
    assert.deepEqual(await answerTo(bytes), expected, policy ?? base64 ?? "");
  }
});
