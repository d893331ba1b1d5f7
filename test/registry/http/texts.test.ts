import assert from "node:assert/strict";
import { test } from "node:test";
import { get, testClient } from "./asking.ts";
import { scriptedServer } from "./scripted-server.ts";

const broken = "net/http: HTTP/1.x transport connection broken: ";

/** What skopeo 1.22 prints after `Get "URL": ` where a server answers so and hangs up. */
const texts: readonly (readonly [response: string, message: string])[] = [
  ["", "EOF"],
  ["hello\r\n\r\n", `${broken}malformed HTTP response "hello"`],
  [
    "\x15\x03\x01\0\x02\x02\x16",
    `${broken}malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02\\x16"`,
  ],
  ["HTTP/9.x 200 OK\r\n\r\n", `${broken}malformed HTTP version "HTTP/9.x"`],
  ["HTTP/1.1 2x0 OK\r\n\r\n", `${broken}malformed HTTP status code "2x0"`],
  [
    "HTTP/1.1 200 OK\r\nfoo bar\r\n\r\n",
    `${broken}malformed MIME header: missing colon: "foo bar"`,
  ],
  [
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc",
    `${broken}http: message cannot contain multiple Content-Length headers; got ["3" "4"]`,
  ],
  ["HTTP/1.1 200 OK\r\ncontent-length: x3\r\n\r\n", `${broken}bad Content-Length "x3"`],
  [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
    `${broken}unsupported transfer encoding: "gzip"`,
  ],
  ["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "unexpected EOF"],
  [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc",
    "invalid byte in chunk length",
  ],
];

for (const [response, message] of texts) {
  test(`message ${message}`, async () => {
    await using server = await scriptedServer(async (peer) => {
      await peer.head();
      await peer.send(response);
    });
    await using client = testClient();
    await assert.rejects(get(client, server.origin), { message });
  });
}
