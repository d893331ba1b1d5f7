import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHashedRekord } from "../../../sigstore/cosign/hashed-rekord.ts";

const hash = "ab".repeat(32);
const entry = (spec: object = {}, top: object = {}) => ({
  apiVersion: "0.0.1",
  kind: "hashedrekord",
  spec: {
    data: { hash: { algorithm: "sha256", value: hash } },
    signature: { content: "QQ==", publicKey: { content: "Qg==" } },
    ...spec,
  },
  ...top,
});
const parse = (value: unknown) =>
  parseHashedRekord(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));
const hashed = (more: object) =>
  entry({ data: { hash: { algorithm: "sha256", value: hash, ...more } } });
const refused = { code: "signature.bad-log-entry" };

test("parseHashedRekord() reads whose signature is over what", () => {
  const { publicKey, signature, payloadHash } = parse(entry({ more: 1 }, { more: [] }));
  assert.deepEqual([publicKey, Buffer.from(signature).toString()], ["B", "A"]);
  assert.equal(payloadHash(), hash);
  assert.equal(parse(hashed({ value: hash.toUpperCase() })).payloadHash(), hash);
  const empty = parse(entry({ signature: { content: null, publicKey: {} } }));
  assert.deepEqual([empty.publicKey, empty.signature.length], ["", 0]);
});

test("parseHashedRekord() refuses what is of another kind or type", () => {
  const wrong: readonly unknown[] = [
    "",
    "[]",
    "1",
    "null",
    "{",
    '{"kind":"hashedrekord","kind":"hashedrekord"}',
    {},
    entry({}, { kind: "intoto" }),
    entry({}, { kind: 1 }),
    entry({}, { apiVersion: null }),
    entry({}, { apiVersion: "0.0.2" }),
    entry({}, { apiVersion: 1 }),
    entry({}, { spec: null }),
    entry({}, { spec: [] }),
    entry({}, { spec: "x" }),
    entry({ signature: null }),
    entry({ signature: [] }),
    entry({ signature: { content: "QQ==" } }),
    entry({ signature: { content: 1, publicKey: {} } }),
    entry({ signature: { content: "*", publicKey: {} } }),
    entry({ signature: { content: "QQ==", publicKey: { content: "*" } } }),
    entry({ signature: { content: "QQ==", publicKey: { content: ["Qg=="] } } }),
  ];
  for (const value of wrong) assert.throws(() => parse(value), refused, JSON.stringify(value));
  assert.throws(() => parse("[]"), { message: /it is no JSON object$/ });
  assert.throws(() => parse(entry({}, { kind: 1 })), { message: /"kind" is of another type$/ });
  assert.throws(() => parse(entry({}, { spec: [] })), { message: /"spec" is of another type$/ });
});

test("payloadHash() is a SHA-256 in hex, or refused", () => {
  const wrong: readonly object[] = [
    entry({ data: null }),
    entry({ data: {} }),
    entry({ data: { hash: null } }),
    entry({ data: { hash: [] } }),
    hashed({ algorithm: null }),
    hashed({ algorithm: "sha512" }),
    hashed({ value: null }),
    hashed({ value: 1 }),
    hashed({ value: `${hash}0` }),
    hashed({ value: `x${hash}` }),
    hashed({ value: `${hash}xx` }),
    hashed({ value: ` ${hash}` }),
  ];
  for (const value of wrong) {
    assert.throws(() => parse(value).payloadHash(), refused, JSON.stringify(value));
  }
  assert.throws(() => parse(entry({ data: { hash: null } })).payloadHash(), {
    message: 'Missing "data.hash" field in hashedrekord',
  });
});
