import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPayload, parsePayload } from "../../sigstore/payload.ts";
import { digestOf } from "../../src/core/digest.ts";

const digest = digestOf(Buffer.from("{}"));

interface Parts {
  readonly type?: string;
  readonly image?: string;
  readonly identity?: string;
  readonly optional?: string;
  /** More of what is critical, and of the whole. */
  readonly critical?: string;
  readonly top?: string;
}

function payload(parts: Parts = {}): string {
  const type = parts.type ?? '"atomic container signature"';
  const image = parts.image ?? `{"docker-manifest-digest":"${digest}"}`;
  const identity = parts.identity ?? '{"docker-reference":"a/b:c"}';
  const critical = `{"type":${type},"image":${image},"identity":${identity}${parts.critical ?? ""}}`;
  return `{"critical":${critical},"optional":${parts.optional ?? "{}"}${parts.top ?? ""}}`;
}

const image = (value: string) => payload({ image: `{"docker-manifest-digest":${value}}` });
const identity = (value: string) => payload({ identity: `{"docker-reference":${value}}` });
const optional = (text: string) => payload({ optional: text });
const claim = { manifestDigest: digest, dockerReference: "a/b:c" };

// The names are those of `specs` signing.md 6.2; texts as skopeo 1.22 prints them.
const accepted: readonly (readonly [name: string, text: string, says?: object])[] = [
  ["good", payload()],
  ["B8", optional('{"x":[{"y":null}],"":true}')],
  ["B9c", optional('{"x":{"y":1,"y":2},"z":[{"a":1,"a":1}]}')],
  ["B32", optional('{"__proto__":1,"constructor":{}}')],
  ["B10 1e9", optional('{"timestamp":1e9}'), { timestamp: 1e9 }],
  ["B10 -5", optional('{"timestamp":-5}'), { timestamp: -5 }],
  ["B10 99999999999", optional('{"timestamp":99999999999}'), { timestamp: 99999999999 }],
  ["B10 -2^63", optional('{"timestamp":-9223372036854775808}'), { timestamp: -(2 ** 63) }],
  ["B10 null", optional('{"timestamp":null}'), { timestamp: 0 }],
  ["creator", optional('{"creator":"atomic 5.39.1"}'), { creator: "atomic 5.39.1" }],
  ["creator null", optional('{"creator":null}'), { creator: "" }],
  ["B18", identity('""'), { dockerReference: "" }],
  ["B19", identity("null"), { dockerReference: "" }],
  ["no reference at all", identity('"NOT valid ref!!"'), { dockerReference: "NOT valid ref!!" }],
  ["B22", payload().replace('"critical"', '"\\u0063ritical"')],
  ["B13c", ` \n${payload()}\t\r\n`],
  ["B17", image(`"sha512:${"0".repeat(128)}"`), { manifestDigest: `sha512:${"0".repeat(128)}` }],
];

for (const [name, text, says] of accepted) {
  test(`parsePayload() reads ${name}`, () => {
    assert.deepEqual(parsePayload(Buffer.from(text), "simple-signing"), { ...claim, ...says });
  });
}

const unmarshal = (kind: string, type: string) =>
  `json: cannot unmarshal ${kind} into Go value of type ${type}`;
const badDigest = (value: string, why: string) =>
  `invalid docker-manifest-digest value ${value}: ${why}`;

const refused: readonly (readonly [name: string, text: string, message: string])[] = [
  ["B1", payload({ top: ',"critical":{}' }), 'Duplicate key "critical"'],
  ["B7b", identity('"a","docker-reference":"a"'), 'Duplicate key "docker-reference"'],
  ["B7c", image('"a","docker-manifest-digest":"a"'), 'Duplicate key "docker-manifest-digest"'],
  ["B22b", payload({ top: ',"\\u0063ritical":{}' }), 'Duplicate key "critical"'],
  ["B2", payload({ top: ',"x":1' }), 'Unknown key "x"'],
  ["B5", payload({ critical: ',"x":1' }), 'Unknown key "x"'],
  ["B6", image('"a","x":1'), 'Unknown key "x"'],
  ["B7", identity('"a","x":1'), 'Unknown key "x"'],
  ["B33", payload({ critical: ',"__proto__":1' }), 'Unknown key "__proto__"'],
  ["B33 top", payload({ top: ',"__proto__":1' }), 'Unknown key "__proto__"'],
  ["B3", '{"critical":{}}', 'Key "optional" missing in a JSON object'],
  ["B3b", '{"optional":{}}', 'Key "critical" missing in a JSON object'],
  ["B7d", payload({ identity: "{}" }), 'Key "docker-reference" missing in a JSON object'],
  ["no digest", payload({ image: "{}" }), 'Key "docker-manifest-digest" missing in a JSON object'],
  ["B4", optional("null"), "JSON object expected, got <nil>"],
  ["B4b", optional("[]"), "JSON object expected, got 91"],
  ["optional text", optional('"a"'), 'JSON object expected, got "a"'],
  ["optional number", optional("1.5"), "JSON object expected, got 1.5"],
  ["optional big", optional("1e30"), "JSON object expected, got 1e+30"],
  ["optional true", optional("true"), "JSON object expected, got true"],
  ["critical null", '{"critical":null,"optional":{}}', "JSON object expected, got <nil>"],
  ["null", "null", "JSON object expected, got <nil>"],
  ["list", "[]", "JSON object expected, got 91"],
  ["B9", optional('{"x":1,"x":2}'), 'Duplicate key "x"'],
  ["B9b", optional('{"creator":"a","creator":"b"}'), 'Duplicate key "creator"'],
  ["B10", optional('{"timestamp":1.5}'), "Field optional.timestamp is not an integer"],
  ["B10b", optional('{"timestamp":"1"}'), unmarshal("string", "float64")],
  ["B10c", optional('{"timestamp":1e30}'), "Field optional.timestamp is not an integer"],
  ["B10d", optional('{"timestamp":1e400}'), unmarshal("number 1e400", "float64")],
  [
    "B10e",
    optional('{"timestamp":9223372036854775807}'),
    "Field optional.timestamp is not an integer",
  ],
  ["B10 -1e19", optional('{"timestamp":-1e19}'), "Field optional.timestamp is not an integer"],
  ["B10 object", optional('{"timestamp":{}}'), unmarshal("object", "float64")],
  ["B10 list", optional('{"timestamp":[1]}'), unmarshal("array", "float64")],
  ["B10 true", optional('{"timestamp":true}'), unmarshal("bool", "float64")],
  ["B10i", optional('{"creator":1}'), unmarshal("number", "string")],
  ["other 1e400", optional('{"x":{"y":[1e400]}}'), unmarshal("number 1e400", "float64")],
  ["B11", payload({ type: '"x"' }), "Unrecognized signature type x"],
  [
    "B12",
    payload({ type: '"cosign container image signature"' }),
    "Unrecognized signature type cosign container image signature",
  ],
  ["B12b", payload({ type: "null" }), "Unrecognized signature type "],
  ["B12c", payload({ type: "1" }), unmarshal("number", "string")],
  [
    "B11b",
    payload({ type: '"atomic container signature "' }),
    "Unrecognized signature type atomic container signature ",
  ],
  ["B13", `${payload()}x`, "invalid character 'x' after top-level value"],
  ["B13b", `${payload()}{}`, "invalid character '{' after top-level value"],
  ["B15", `${payload()}\0`, "invalid character '\\x00' after top-level value"],
  ["B29", `\ufeff${payload()}`, "invalid character 'ï' looking for beginning of value"],
  ["B29b", `/**/${payload()}`, "invalid character '/' looking for beginning of value"],
  [
    "B29c",
    `${payload().slice(0, -1)},}`,
    "invalid character '}' looking for beginning of object key string",
  ],
  ["B30", "", "unexpected end of JSON input"],
  [
    "B16",
    image('"md5:44136fa355b3678a1146ad16f7e8649e"'),
    badDigest('"md5:44136fa355b3678a1146ad16f7e8649e"', "unsupported digest algorithm"),
  ],
  [
    "B16b",
    image(`"${digest.replaceAll("f", "F")}"`),
    badDigest(`"${digest.replaceAll("f", "F")}"`, "invalid checksum digest format"),
  ],
  ["B17c", image('"sha256:44"'), badDigest('"sha256:44"', "invalid checksum digest length")],
  ["B17d", image('""'), badDigest('""', "invalid checksum digest format")],
  ["B17e", image("null"), badDigest('""', "invalid checksum digest format")],
  ["B17f", image("5"), unmarshal("number", "string")],
  ["quoted", image('"a\\"\\u0001"'), badDigest('"a\\"\\x01"', "invalid checksum digest format")],
  ["B19b", identity("1"), unmarshal("number", "string")],
  ["B20", payload().replace('"critical"', '"Critical"'), 'Unknown key "Critical"'],
  ["B20b", payload().replace('"optional"', '"Optional"'), 'Unknown key "Optional"'],
  ["B20c", payload().replace('"type"', '"Type"'), 'Unknown key "Type"'],
];

for (const [name, text, message] of refused) {
  test(`parsePayload() refuses ${name}: ${message}`, () => {
    assert.throws(() => parsePayload(Buffer.from(text), "simple-signing"), {
      code: "signature.bad-payload",
      message,
    });
  });
}

test("parsePayload() refuses UTF-16 and what is nested too deep", () => {
  const deep = optional(`{"x":${"[".repeat(20_000)}${"]".repeat(20_000)}}`);
  for (const bytes of [Buffer.from(`\ufeff${payload()}`, "utf16le"), Buffer.from(deep)]) {
    assert.throws(() => parsePayload(bytes, "simple-signing"), { code: "signature.bad-payload" });
  }
});

test("parsePayload() reads of sigstore its own type only, and optional null", () => {
  const type = '"cosign container image signature"';
  for (const text of [payload({ type }), payload({ type, optional: "null" })]) {
    assert.deepEqual(parsePayload(Buffer.from(text), "sigstore"), claim);
  }
  const others = [
    payload(),
    payload({ type: '"Cosign container image signature"' }),
    payload({ type, optional: "[]" }),
    payload({ type, critical: ',"x":1' }),
    payload({ type }).replace(',"optional":{}', ""),
  ];
  for (const text of others) {
    assert.throws(() => parsePayload(Buffer.from(text), "sigstore"), {
      code: "signature.bad-payload",
    });
  }
});

test("formatPayload() writes compact JSON with sorted members, and what it writes can be read", () => {
  const details = { creator: "amphora 1.2.3", signedAt: new Date(1_700_000_000_999) };
  assert.equal(
    Buffer.from(formatPayload(claim, "simple-signing", details)).toString(),
    `{"critical":{"identity":{"docker-reference":"a/b:c"},"image":{"docker-manifest-digest":"${digest}"},` +
      '"type":"atomic container signature"},"optional":{"creator":"amphora 1.2.3","timestamp":1700000000}}',
  );
  for (const kind of ["simple-signing", "sigstore"] as const) {
    for (const dockerReference of ["a/b:c", 'x"<>&\\\u2028\n', "é😀"]) {
      const bytes = formatPayload({ ...claim, dockerReference }, kind, details);
      const says = { creator: "amphora 1.2.3", timestamp: 1_700_000_000 };
      assert.deepEqual(parsePayload(bytes, kind), { ...claim, dockerReference, ...says });
    }
  }
});

test("formatPayload() refuses a claim without a reference", () => {
  const details = { creator: "x", signedAt: new Date(0) };
  for (const empty of [{ manifestDigest: digest }, { ...claim, dockerReference: "" }]) {
    assert.throws(() => formatPayload(empty, "sigstore", details), {
      code: "signature.cannot-sign",
    });
  }
});
