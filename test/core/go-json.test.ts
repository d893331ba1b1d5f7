import assert from "node:assert/strict";
import { test } from "node:test";
import { goCompact, goIndent, goMap, goString } from "../../src/core/go-json.ts";
import { readTime } from "../../src/core/go-time.ts";
import { compareUtf8, decodeUtf8, encodeUtf8 } from "../../src/core/utf8.ts";

test("goString() escapes what Go escapes", () => {
  const rows: readonly (readonly [text: string, json: string])[] = [
    ['a"\\/', '"a\\"\\\\/"'],
    ["\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'],
    ["\0\x1f\x7f\x80", '"\\u0000\\u001f\x7f\x80"'],
    ["<&>", '"\\u003c\\u0026\\u003e"'],
    ["\u2028\u2029é😀", '"\\u2028\\u2029é😀"'],
    ["\udcff", '"\\ufffd"'],
  ];
  for (const [text, json] of rows) assert.equal(goString(text), json);
  assert.equal(goString("<&>\u2028", false), '"<&>\\u2028"');
});

test("goMap() sorts by bytes, not by code units", () => {
  const entries = ["\u{1f600}", "\uff00", "b", "a", "B", ""].map((key) => [key, "1"] as const);
  assert.equal(goMap(entries), '{"":1,"B":1,"a":1,"b":1,"\uff00":1,"\u{1f600}":1}');
  assert.equal(goMap([]), "{}");
});

test("goCompact() takes out white space but not out of texts", () => {
  const given = ' { "a b" : [ 1.50 , "\\u00e9 \\" < \u2028" ] ,\n"c":{ } } ';
  assert.equal(goCompact(given), '{"a b":[1.50,"\\u00e9 \\" \\u003c \\u2028"],"c":{}}');
});

test("goCompact() and goIndent() take texts of a million escapes", () => {
  const text = `"${"\\n".repeat(1_000_000)}"`;
  assert.equal(goCompact(` ${text} `), text);
  assert.equal(goIndent(`[${text}]`, " "), `[\n ${text}\n]`);
});

test("goIndent() leaves empty arrays and objects closed", () => {
  assert.equal(
    goIndent('{"a":[],"b":{},"c":[1,{"d":"[{,:"}],"e":[[]]}', "    "),
    `{
    "a": [],
    "b": {},
    "c": [
        1,
        {
            "d": "[{,:"
        }
    ],
    "e": [
        []
    ]
}`,
  );
  assert.equal(goIndent("1", "  "), "1");
});

test("decodeUtf8() and encodeUtf8() give any bytes back", () => {
  const rows = [
    [],
    [0xef, 0xbb, 0xbf, 0x61],
    [0xff, 0x61, 0x80],
    [0xf0, 0x9f, 0x98],
    [0xf0, 0x9f, 0x98, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    Array.from({ length: 256 }, (_, byte) => byte),
    Array.from({ length: 1024 }, (_, index) => (index * 37 + (index >> 3) * 11) & 0xff),
  ];
  for (const row of rows) {
    const bytes = Uint8Array.from(row);
    assert.deepEqual(Uint8Array.from(encodeUtf8(decodeUtf8(bytes))), bytes);
  }
  assert.equal(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf)), "\ufeff");
});

test("compareUtf8() orders like bytes", () => {
  assert.ok(compareUtf8("\u{1f600}", "\uff00") > 0);
  assert.ok("\u{1f600}" < "\uff00");
  assert.equal(compareUtf8("a", "a"), 0);
});

const times: readonly (readonly [text: string, time: string])[] = [
  ["2020-02-29T23:59:59Z", "2020-02-29T23:59:59Z"],
  ["2020-01-01T00:00:00.120300Z", "2020-01-01T00:00:00.1203Z"],
  ["2020-01-01T00:00:00.000000000Z", "2020-01-01T00:00:00Z"],
  ["2020-01-01T00:00:00.1234567899Z", "2020-01-01T00:00:00.123456789Z"],
  ["2020-01-01T00:00:00,5Z", "2020-01-01T00:00:00.5Z"],
  ["2020-01-01T1:00:00Z", "2020-01-01T01:00:00Z"],
  ["2020-01-01T00:00:00+00:00", "2020-01-01T00:00:00Z"],
  ["2020-01-01T00:00:00-00:00", "2020-01-01T00:00:00Z"],
  ["2020-01-01T00:00:00-05:30", "2020-01-01T00:00:00-05:30"],
  ["2020-01-01T00:00:00+01:60", "2020-01-01T00:00:00+02:00"],
  ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"],
];

test("readTime() writes times as Go writes them", () => {
  for (const [text, time] of times) assert.deepEqual(readTime(text), { time });
});

test("readTime() says what it cannot read as Go does", () => {
  const layout = "2006-01-02T15:04:05Z07:00";
  const rows: readonly (readonly [text: string, failure: string])[] = [
    ["", `parsing time "" as "${layout}": cannot parse "" as "2006"`],
    ["2020-02-30T00:00:00Z", 'parsing time "2020-02-30T00:00:00Z": day out of range'],
    ["1900-02-29T00:00:00Z", 'parsing time "1900-02-29T00:00:00Z": day out of range'],
    ["2020-13-01T00:00:00Z", 'parsing time "2020-13-01T00:00:00Z": month out of range'],
    ["2020-01-01T24:00:00Z", 'parsing time "2020-01-01T24:00:00Z": hour out of range'],
    ["2020-01-01T00:00:00Zz", 'parsing time "2020-01-01T00:00:00Zz": extra text: "z"'],
    ['é"', `parsing time "\\xc3\\xa9\\"" as "${layout}": cannot parse "\\xc3\\xa9\\"" as "2006"`],
  ];
  for (const [text, failure] of rows) assert.deepEqual(readTime(text), { failure });
});
