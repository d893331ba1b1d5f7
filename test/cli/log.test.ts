import assert from "node:assert/strict";
import { test } from "node:test";
import { formatLocalTime } from "../../src/cli/go-time.ts";
import {
  createLog,
  formatJson,
  formatKeyValue,
  formatPlain,
  type LogEntry,
  terminalFormatter,
} from "../../src/cli/log.ts";
import { escapeControls, goQuote, goQuoteBack } from "../../src/core/go-quote.ts";

const time = new Date("2026-11-23T16:44:19.500Z");

function entry(message: string, more: Partial<LogEntry> = {}): LogEntry {
  return { level: "fatal", message, fields: {}, time, ...more };
}

function withoutTime(line: string): string {
  return line.replace(/^time="[^"]*" /, "");
}

test("formatKeyValue() quotes only what logrus quotes", () => {
  const fields = { registry: "127.0.0.1:5000", repo: "src/app", empty: "", count: 3 };
  assert.equal(
    withoutTime(formatKeyValue(entry("done", { level: "info", fields }))),
    'level=info msg=done count=3 empty= registry="127.0.0.1:5000" repo=src/app',
  );
  assert.equal(
    withoutTime(formatKeyValue(entry('say "hi"\n\x1b[31m\u202e'))),
    'level=fatal msg="say \\"hi\\"\\n\\x1b[31m\\u202e"',
  );
});

test("terminalFormatter() pads the message, counts seconds, and lets no escape through", () => {
  const format = terminalFormatter(new Date(time.getTime() - 61_500));
  assert.equal(
    format(entry("no\x1b[2J", { fields: { a: "b c" } })),
    `\x1b[31mFATA\x1b[0m[0061] ${"no\\x1b[2J".padEnd(44)}  \x1b[31ma\x1b[0m="b c"`,
  );
});

test("formatPlain() sets further lines in", () => {
  assert.equal(formatPlain(entry("a\nb")), "\x1b[1;31merror:\x1b[0m a\n       b");
});

test("formatJson() is one object", () => {
  assert.deepEqual(JSON.parse(formatJson(entry("a\nb", { fields: { code: "x.y" } }))), {
    time: "2026-11-23T16:44:19.500Z",
    level: "fatal",
    msg: "a\nb",
    code: "x.y",
  });
});

test("createLog() writes debug messages only with --debug", () => {
  for (const debug of [false, true]) {
    const lines: string[] = [];
    const write = (line: string) => lines.push(line);
    const now = () => time;
    const log = createLog({ write, format: (e) => e.message, debug, now, isJson: false });
    log.debug("a");
    log.warning("b");
    assert.deepEqual(lines, debug ? ["a\n", "b\n"] : ["b\n"]);
  }
});

test("formatLocalTime() writes RFC 3339 in the local zone", () => {
  const text = formatLocalTime(time);
  assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$/);
  assert.equal(new Date(text).getTime(), time.getTime() - 500);
});

test("goQuote() escapes as Go's %q", () => {
  for (const [text, quoted] of [
    ["é€😀", '"é€😀"'],
    ["\u00a0\u00ad\ufeff", '"\\u00a0\\u00ad\\ufeff"'],
    ["\0\x7f\u0080\t\\", '"\\x00\\x7f\\u0080\\t\\\\"'],
    ["\ud800", '"\ufffd"'],
    ["\u{10ffff}", '"\\U0010ffff"'],
  ] as const)
    assert.equal(goQuote(text), quoted);
  assert.equal(goQuoteBack("a"), "`a`");
  assert.equal(goQuoteBack("a`"), '"a`"');
  assert.equal(goQuoteBack("a\n"), '"a\\n"');
});

test("escapeControls() shows what a terminal would obey", () => {
  assert.equal(
    escapeControls("a\x1b]0;x\x07\r\tb\nc\x9b\u202e"),
    "a\\x1b]0;x\\a\\r\tb\nc\\u009b\\u202e",
  );
});
