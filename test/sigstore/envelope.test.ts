import assert from "node:assert/strict";
import { test } from "node:test";
import type { SigstoreSignature } from "../../sigstore/cosign/attachment.ts";
import { formatEnvelope, parseEnvelope } from "../../sigstore/envelope.ts";
import { KnownError } from "../../src/core/errors.ts";

function parse(text: string) {
  return parseEnvelope(Buffer.from(text, "latin1"));
}

test("formatEnvelope() writes what skopeo 1.22 wrote", () => {
  const read = parse(
    '\0sigstore-json\n{"annotations":{"k<":"v","a":"b"}, "mimeType":"a/b","payload":"aGk="}',
  );
  assert.equal(
    Buffer.from(formatEnvelope(read)).toString(),
    '\0sigstore-json\n{"mimeType":"a/b","payload":"aGk=","annotations":{"a":"b","k\\u003c":"v"}}',
  );
  assert.deepEqual(formatEnvelope(parse("\x89abc")), Buffer.from("\x89abc", "latin1"));
  assert.deepEqual(formatEnvelope(parse("\0simple-signing\nabc")), Buffer.from("abc"));
});

test("an OpenPGP message is known by its first byte, and by no other", () => {
  // Signature, one-pass and compressed packets, with each kind of length.
  const starts = "88 89 8a 8b 90 91 92 93 a0 a1 a2 a3 c2 c4 c8".split(" ");
  for (let first = 1; first < 256; first++) {
    const bytes = Buffer.of(first, 1, 2);
    const isOne = starts.includes(first.toString(16));
    if (isOne) assert.deepEqual(parseEnvelope(bytes), { format: "simple-signing", bytes });
    else {
      const message = `unrecognized signature format, starting with binary 0x${first.toString(16)}`;
      assert.throws(() => parseEnvelope(bytes), { code: "signature.malformed", message });
    }
  }
});

test("parseEnvelope() takes an envelope whose members are absent or null", () => {
  for (const text of ["{}", '{"payload":null,"annotations":null}', "null"]) {
    const { payload, ...others } = parse(`\0sigstore-json\n${text}`) as SigstoreSignature;
    assert.deepEqual(others, { format: "sigstore", mediaType: "", annotations: {} });
    assert.equal(payload.length, 0);
  }
});

test("parseEnvelope() refuses what is no signature, in skopeo's words", () => {
  const table: readonly [text: string, message: string][] = [
    ["", "empty signature blob"],
    ["\0", "invalid signature format, missing newline"],
    ["\0foo\nx", 'unrecognized signature format "foo"'],
    ["\0a\x01\nx", "invalid signature format, non-ASCII byte 0x1"],
    ["\0a\x1f\nx", "invalid signature format, non-ASCII byte 0x1f"],
    ["\0a\x7f\nx", "invalid signature format, non-ASCII byte 0x7f"],
    ["\0a\xff\nx", "invalid signature format, non-ASCII byte 0xff"],
    ["\0a<\nx", 'unrecognized signature format "a<"'],
    ["\0a ~\nx", 'unrecognized signature format "a ~"'],
    ["\0\nx", 'unrecognized signature format ""'],
    ["x", "unrecognized signature format, starting with binary 0x78"],
    ["=abc", "unrecognized signature format, starting with binary 0x3d"], // skopeo takes it, by a slip
    ["-----BEGIN PGP", "unrecognized signature format, starting with binary 0x2d"],
    ["\0sigstore-json\n{", "unexpected end of JSON input"],
    ['\0sigstore-json\n{"MIMETYPE":"z"} x', "invalid character 'x' after top-level value"],
    [
      '\0sigstore-json\n{"mimeType":5}',
      "json: cannot unmarshal number into Go struct field sigstoreJSONRepresentation.mimeType of type string",
    ],
  ];
  for (const [text, message] of table) {
    assert.throws(
      () => parse(text),
      (error) => error instanceof KnownError && error.message === message,
      JSON.stringify(text),
    );
  }
  assert.throws(() => parse('\0sigstore-json\n{"payload":"!"}'), KnownError);
});
