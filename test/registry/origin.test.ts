import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistryError } from "../../src/registry/errors.ts";
import { registryOrigin } from "../../src/registry/origin.ts";

test("registryOrigin() is where a registry is asked", () => {
  assert.equal(registryOrigin("example.com:5000").href, "https://example.com:5000/");
  assert.equal(registryOrigin("docker.io").host, "registry-1.docker.io");
  assert.equal(registryOrigin("[::1]:1").host, "[::1]:1");
});

test("registryOrigin() refuses what is no host, and never with an internal error", () => {
  const strange = ["", " ", "a b", "x:y", "x:99999999", "x:0099999", "127.0.0.1:1:2", "[::1"];
  for (const host of [...strange, "?", "#x", "%", "a%zz", "a<b", "a\u0000b", "\ud800"]) {
    assert.throws(
      () => registryOrigin(host),
      (error) => error instanceof RegistryError && error.code === "registry.unreachable",
      host,
    );
  }
});
