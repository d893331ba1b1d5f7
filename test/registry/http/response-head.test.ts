import assert from "node:assert/strict";
import { test } from "node:test";
import {
  HeadLines,
  maxHeadBytes,
  parseHead,
  type ResponseHead,
} from "../../../src/registry/http/response-head.ts";

const bad = { code: "registry.bad-response", retryable: false };

function read(text: string): ResponseHead {
  const lines = new HeadLines();
  const { done } = lines.push(Buffer.from(text, "latin1"));
  assert.ok(done, "the head has no end");
  return parseHead(lines.lines);
}

const good: readonly (readonly [string, Omit<ResponseHead, "fields">])[] = [
  ["HTTP/1.1 200 OK\r\n\r\n", { minor: 1, status: 200, reason: "OK" }],
  ["HTTP/1.0 404 Not Found\r\n\r\n", { minor: 0, status: 404, reason: "Not Found" }],
  ["HTTP/1.1 204 \r\n\r\n", { minor: 1, status: 204, reason: "" }],
  ["HTTP/1.1 204\r\n\r\n", { minor: 1, status: 204, reason: "" }], // RFC wants the space; some servers forget it
  ["HTTP/1.1 599 H\xe9\r\n\r\n", { minor: 1, status: 599, reason: "H\xe9" }],
  ["HTTP/1.1 200 OK \t there\r\n\r\n", { minor: 1, status: 200, reason: "OK \t there" }],
];

for (const [text, expected] of good) {
  test(`parseHead() reads ${JSON.stringify(text)}`, () => {
    const { minor, status, reason } = read(text);
    assert.deepEqual({ minor, status, reason }, expected);
  });
}

const badHeads: readonly string[] = [
  "\r\n\r\n",
  "HTTP/1.1\r\n\r\n",
  "http/1.1 200 OK\r\n\r\n",
  "HTTP/1.2 200 OK\r\n\r\n",
  "HTTP/2 200 OK\r\n\r\n",
  "HTTP/1.1  200 OK\r\n\r\n",
  "HTTP/1.1 20 OK\r\n\r\n",
  "HTTP/1.1 2000 OK\r\n\r\n",
  "HTTP/1.1 +20 OK\r\n\r\n",
  "HTTP/1.1 099 OK\r\n\r\n",
  "HTTP/1.1 200 O\0K\r\n\r\n",
  "HTTP/1.1 200 O\rK\r\n\r\n",
  " HTTP/1.1 200 OK\r\n\r\n",
  "HTTP/1.1 200 OK\n\r\n",
  "HTTP/1.1 200 OK\r\n\n",
  "HTTP/1.1 200 OK\r\na: b\n\r\n",
  "HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n",
  "HTTP/1.1 200 OK\r\na\r\n\r\n",
  "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
  "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
  "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
  "HTTP/1.1 200 OK\r\n a: b\r\n\r\n",
  "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
  "HTTP/1.1 200 OK\r\na: b\r\n\tc\r\n\r\n",
  "HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n",
  "HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n",
  "HTTP/1.1 200 OK\r\na: b\x7f\r\n\r\n",
  "HTTP/1.1 200 OK\r\na\xe9: b\r\n\r\n",
];

for (const text of badHeads) {
  test(`parseHead() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => read(text), bad);
  });
}

test("parseHead() keeps the fields' order and trims only spaces and tabs", () => {
  const { fields } = read(
    "HTTP/1.1 200 OK\r\nA: 1\r\nb:\t 2 \t\r\na:3, x\r\nE:\r\nO: \xa0\r\n\r\n",
  );
  assert.deepEqual(fields.all("a"), ["1", "3, x"]);
  assert.equal(fields.first("b"), "2");
  assert.equal(fields.first("e"), "");
  assert.equal(fields.first("o"), "\xa0");
  assert.equal(fields.first("absent"), undefined);
  assert.deepEqual(fields.list("a"), ["1", "3", "x"]);
});

test("HeadLines.push() finds the same lines however the head is cut", () => {
  const text = "HTTP/1.1 200 OK\r\nAb: c\r\n\r\nBODY";
  for (let first = 0; first <= text.length; first++) {
    const lines = new HeadLines();
    let used = 0;
    let done = false;
    for (const piece of [text.slice(0, first), text.slice(first)]) {
      if (done) break;
      const result = lines.push(Buffer.from(piece));
      used += result.used;
      done = result.done;
    }
    assert.ok(done);
    assert.equal(used, text.length - "BODY".length);
    assert.deepEqual(lines.lines, ["HTTP/1.1 200 OK", "Ab: c"]);
  }
});

test("HeadLines.push() refuses a head without end, in one line, in many, and in one push", () => {
  const long = Buffer.alloc(maxHeadBytes + 1, "a");
  const fields = Buffer.from("a: b\r\n".repeat(1002));
  for (const bytes of [long, fields]) {
    assert.throws(() => new HeadLines().push(bytes), bad);
    const lines = new HeadLines();
    assert.throws(() => {
      for (const byte of bytes) lines.push(Uint8Array.of(byte));
    }, bad);
  }
});

test("HeadLines.push() refuses a bare line feed before the head is whole", () => {
  assert.throws(() => new HeadLines().push(Buffer.from("HTTP/1.1 200 OK\nA: b")), bad);
});
