import assert from "node:assert/strict";
import { test } from "node:test";
import {
  lookupOrder,
  normalizeFileKey,
  parseLoginArgument,
  readCredentialKey,
} from "../../src/config/credentials.ts";

test("readCredentialKey() tells the host from what is below it", () => {
  assert.deepEqual(readCredentialKey("localhost:5000"), {
    key: "localhost:5000",
    registry: "localhost:5000",
    namespaced: false,
  });
  assert.deepEqual(readCredentialKey("h.example:5000/a/b"), {
    key: "h.example:5000/a/b",
    registry: "h.example:5000",
    namespaced: true,
  });
});

const badKeys: readonly [key: string, message: string][] = [
  ["https://h.example", "key https://h.example contains http[s]:// prefix"],
  ["http://h.example/x", "key http://h.example/x contains http[s]:// prefix"],
  ["h.example/x@sha256", "key h.example/x@sha256 contains a '@' character"],
  ["h.example:1/x:tag", "key h.example:1/x:tag contains a ':' character after host[:port]"],
];

for (const [key, message] of badKeys) {
  test(`readCredentialKey() refuses ${key}`, () => {
    assert.throws(() => readCredentialKey(key), { code: "config.bad-key", message });
  });
}

const args: readonly [argument: string, key: string, registry: string][] = [
  ["quay.io", "quay.io", "quay.io"],
  ["localhost:5000", "localhost:5000", "localhost:5000"],
  ["https://quay.io", "quay.io", "quay.io"],
  ["http://localhost:5000/v1/", "localhost:5000", "localhost:5000"],
  ["https://h.example:443/x?y#z", "h.example:443", "h.example:443"],
  ["https://user:pw@h.example/x", "h.example", "h.example"],
  ["quay.io/team/x", "quay.io/team/x", "quay.io"],
  ["docker.io/vendor", "docker.io/vendor", "docker.io"],
];

for (const [argument, key, registry] of args) {
  test(`parseLoginArgument() takes ${argument} for ${key}`, () => {
    const parsed = parseLoginArgument(argument);
    assert.deepEqual([parsed.key, parsed.registry], [key, registry]);
  });
}

/** Texts of skopeo 1.22. */
const badArguments: readonly [argument: string, message: string][] = [
  ["x/y", 'internal error: key "x/y" registry mismatch, "docker.io/x/y" vs. "docker.io"'],
  ["x/y:z", 'reference "docker.io/x/y:z" contains tag or digest'],
  ["localhost/y@z", 'parse reference from "localhost/y@z": invalid reference format'],
];

for (const [argument, message] of badArguments) {
  test(`parseLoginArgument() refuses ${argument}`, () => {
    assert.throws(() => parseLoginArgument(argument), { code: "config.bad-key", message });
  });
}

test("lookupOrder() goes from the narrowest key to the host", () => {
  assert.deepEqual(lookupOrder("h.example:5000/a/b"), [
    "h.example:5000/a/b",
    "h.example:5000/a",
    "h.example:5000",
  ]);
});

const fileKeys: readonly [key: string, legacy: boolean, registry: string][] = [
  ["https://index.docker.io/v1/", false, "index.docker.io"],
  ["docker.io", false, "index.docker.io"],
  ["http://h.example/v2/", false, "h.example"],
  ["h.example/x", false, "h.example/x"],
  ["h.example/x", true, "h.example"],
];

for (const [key, legacy, registry] of fileKeys) {
  test(`normalizeFileKey() makes ${registry} of ${key}${legacy ? " in a legacy file" : ""}`, () => {
    assert.equal(normalizeFileKey(key, legacy), registry);
  });
}
