import assert from "node:assert/strict";
import { test } from "node:test";
import { adopting } from "../../src/copy/failure.ts";
import { digestOf } from "../../src/core/digest.ts";
import { RegistryError } from "../../src/registry/errors.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { type Fault, refuse } from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";

const refusals: readonly (readonly [what: string, fault: Fault, message: RegExp])[] = [
  [
    "a refused upload",
    refuse(403, { code: "DENIED", message: "no" }),
    /^writing blob: initiating layer upload to \/v2\/app\/blobs\/uploads\/ in .*: no$/,
  ],
  [
    "an upload without a place",
    { reply: (reply) => ({ ...reply, headers: {} }) },
    /^writing blob: determining upload URL: http: no Location header in response$/,
  ],
];

for (const [what, fault, message] of refusals) {
  test(`${what} is told as skopeo does, which opens it only to write`, async () => {
    await using source = await startRegistry();
    await using destination = await startRegistry();
    source.seed("app", "v1", makeImage());
    destination.behave({ on: /^POST uploads/, times: Number.POSITIVE_INFINITY, fault });
    await using engine = new Engine();
    const [from, to] = [`docker://${source.host}/app:v1`, `docker://${destination.host}/app:v1`];
    await assert.rejects(engine.copy(from, to), { code: "copy.destination-failed", message });
  });
}

test("adopting() tells a question that cannot be asked as one", async () => {
  const digest = digestOf(Buffer.from("x"));
  const check = `checking whether a blob ${digest} exists in h/a: denied: no`;
  const error = new RegistryError("registry.denied", check);
  await assert.rejects(
    adopting(digest, () => Promise.reject(error)),
    { message: `trying to reuse blob ${digest} at destination: ${check}` },
  );
});
