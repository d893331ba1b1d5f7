import assert from "node:assert/strict";
import { test } from "node:test";
import { adopting } from "../../src/copy/failure.ts";
import { digestOf } from "../../src/core/digest.ts";
import { RegistryError } from "../../src/registry/errors.ts";

test("adopting() tells a refused upload as skopeo does, which opens it only to write", async () => {
  const digest = digestOf(Buffer.from("x"));
  const refused = (message: string) =>
    adopting(digest, () => Promise.reject(new RegistryError("registry.denied", message)));
  const upload = "initiating layer upload to /v2/a/blobs/uploads/ in h: denied: no";
  await assert.rejects(refused(upload), {
    code: "copy.destination-failed",
    message: `writing blob: ${upload}`,
  });
  const check = `checking whether a blob ${digest} exists in h/a: denied: no`;
  await assert.rejects(refused(check), {
    message: `trying to reuse blob ${digest} at destination: ${check}`,
  });
});
