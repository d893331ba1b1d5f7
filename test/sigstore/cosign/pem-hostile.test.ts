import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePem } from "../../../sigstore/cosign/pem.ts";

// Apart from pem.test.ts, so that mutants are tried without it: on a megabyte they run in circles.

test("hostile text costs little", () => {
  const size = 1_000_000;
  const many = "-----BEGIN X-----\n".repeat(size / 18);
  const spaces = `-----BEGIN X${" ".repeat(size)}x\n`;
  const colons = `-----BEGIN X-----\n${":\n".repeat(size / 2)}-----END X-----`;
  for (const text of [many, spaces, `${spaces.slice(0, -2)}-----\n`, colons]) {
    assert.equal(decodePem(text)?.bytes.length ?? 0, 0);
  }
});
