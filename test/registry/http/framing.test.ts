import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Framing,
  framingOf,
  keepAliveSeconds,
  keepsAlive,
} from "../../../src/registry/http/framing.ts";
import { parseHead, type ResponseHead } from "../../../src/registry/http/response-head.ts";

function head(status: number, fields: readonly string[], version = "HTTP/1.1"): ResponseHead {
  return parseHead([`${version} ${status} x`, ...fields]);
}

const chunked = "transfer-encoding: chunked";

const framings: readonly (readonly [string, number, readonly string[], Framing])[] = [
  ["GET", 200, ["content-length: 0"], { kind: "length", length: 0 }],
  ["GET", 200, ["content-length: 007"], { kind: "length", length: 7 }],
  ["GET", 200, ["content-length: 5", "content-length: 5"], { kind: "length", length: 5 }],
  ["GET", 200, [chunked], { kind: "chunked" }],
  ["GET", 200, ["transfer-encoding: Chunked"], { kind: "chunked" }],
  ["GET", 200, [], { kind: "close" }],
  ["HEAD", 200, ["content-length: 5"], { kind: "none" }],
  ["HEAD", 200, [chunked], { kind: "none" }],
  ["GET", 204, ["content-length: 5"], { kind: "none" }],
  ["GET", 304, ["content-length: 5"], { kind: "none" }],
  ["CONNECT", 200, ["content-length: 5"], { kind: "none" }],
  ["CONNECT", 407, ["content-length: 5"], { kind: "length", length: 5 }],
];

for (const [method, status, fields, expected] of framings) {
  test(`framingOf() of ${method} ${status} ${fields.join(", ")} is ${expected.kind}`, () => {
    assert.deepEqual(framingOf(head(status, fields), method), expected);
  });
}

const ambiguous: readonly (readonly string[])[] = [
  [chunked, "content-length: 5"],
  ["content-length: 5", "content-length: 6"],
  ["content-length: 5, 5"],
  ["content-length: 5", "content-length: 05"],
  ["content-length: "],
  ["content-length: -1"],
  ["content-length: +1"],
  ["content-length: 0x10"],
  ["content-length: 1e3"],
  ["content-length: 5 6"],
  ["content-length: 9007199254740992"],
  ["transfer-encoding: gzip"],
  ["transfer-encoding: gzip, chunked"],
  ["transfer-encoding: chunked, chunked"],
  [chunked, chunked],
  ["transfer-encoding: identity"],
  ["transfer-encoding: xchunked"],
  ["transfer-encoding:"],
];

for (const fields of ambiguous) {
  test(`framingOf() refuses ${fields.join(" and ")}`, () => {
    assert.throws(() => framingOf(head(200, fields), "GET"), { code: "registry.bad-response" });
  });
}

test("framingOf() refuses chunks in HTTP/1.0", () => {
  assert.throws(() => framingOf(head(200, [chunked], "HTTP/1.0"), "GET"), {
    code: "registry.bad-response",
  });
});

const kept: readonly (readonly [string, readonly string[], boolean])[] = [
  ["HTTP/1.1", [], true],
  ["HTTP/1.1", ["connection: close"], false],
  ["HTTP/1.1", ["connection: x, Close"], false],
  ["HTTP/1.1", ["connection: x", "connection: close"], false],
  ["HTTP/1.0", [], false],
  ["HTTP/1.0", ["connection: Keep-Alive"], true],
  ["HTTP/1.0", ["connection: keep-alive, close"], false],
];

for (const [version, fields, expected] of kept) {
  test(`keepsAlive() of ${version} ${fields.join(", ")} is ${expected}`, () => {
    assert.equal(keepsAlive(head(200, fields, version), { kind: "none" }), expected);
  });
}

test("keepsAlive() is false where the body ends with the connection", () => {
  assert.equal(keepsAlive(head(200, []), { kind: "close" }), false);
});

const timeouts: readonly (readonly [string, number | undefined])[] = [
  ["timeout=5", 5],
  ["max=3, Timeout=60", 60],
  ["timeout=x", undefined],
  ["timeout=-1", undefined],
  ["max=3", undefined],
];

for (const [value, expected] of timeouts) {
  test(`keepAliveSeconds() of ${value} is ${expected}`, () => {
    assert.equal(keepAliveSeconds(head(200, [`keep-alive: ${value}`])), expected);
  });
}
