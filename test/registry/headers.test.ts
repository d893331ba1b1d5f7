import assert from "node:assert/strict";
import { test } from "node:test";
import { nextPage } from "../../src/registry/pagination.ts";
import { printable, quoted, quotedBytes } from "../../src/registry/printable.ts";
import { pullWaitMs, readRateLimit } from "../../src/registry/rate-limit.ts";
import { redactedUrl } from "../../src/registry/redact.ts";
import { backoffMs, retryAfterMs } from "../../src/registry/retry.ts";
import { coversScopes, formatScopes, joinScopes, parseScopes } from "../../src/registry/scope.ts";
import { readWarnings } from "../../src/registry/warning.ts";

const now = Date.parse("2026-01-02T03:04:05Z");

test("retryAfterMs() reads seconds and dates", () => {
  const rows: readonly (readonly [string | undefined, number | undefined])[] = [
    ["7", 7000],
    [" 0 ", 0],
    ["1.5", 1500],
    ["Fri, 02 Jan 2026 03:04:15 GMT", 10_000],
    ["Fri, 02 Jan 2026 03:04:00 GMT", 0],
    ["-5", undefined],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ];
  for (const [value, ms] of rows) assert.equal(retryAfterMs(value, now), ms, String(value));
});

test("backoffMs() doubles up to a minute, and jitters down to nothing", () => {
  assert.deepEqual(
    [1, 2, 3, 7, 50].map((attempt) => backoffMs(attempt, () => 1)),
    [1000, 2000, 4000, 60_000, 60_000],
  );
  assert.equal(
    backoffMs(5, () => 0),
    0,
  );
});

test("readRateLimit() reads what registries tell", () => {
  const read = (headers: Record<string, string>) => readRateLimit((name) => headers[name], now);
  assert.deepEqual(
    read({ "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "99;w=21600" }),
    { remaining: 99, limit: 100, windowSeconds: 21600 },
  );
  assert.deepEqual(
    read({ "x-ratelimit-remaining": "3", "x-ratelimit-reset": String(now / 1000 + 60) }),
    { remaining: 3, resetsAt: now + 60_000 },
  );
  assert.deepEqual(read({ "ratelimit-remaining": "3", "ratelimit-reset": "30" }), {
    remaining: 3,
    resetsAt: now + 30_000,
  });
  for (const odd of ["", "many", "-1", "1e9"])
    assert.equal(read({ "ratelimit-remaining": odd }), undefined);
});

test("pullWaitMs() keeps as many pulls as are to be kept", () => {
  assert.equal(pullWaitMs({ remaining: 10 }, 0, now), 0);
  assert.equal(pullWaitMs({ remaining: 11 }, 10, now), 0);
  assert.equal(pullWaitMs({ remaining: 10, limit: 100, windowSeconds: 21_600 }, 10, now), 216_000);
  assert.equal(pullWaitMs({ remaining: 0, resetsAt: now + 5000 }, 1, now), 5000);
});

test("readWarnings() reads the texts of code 299, made printable", () => {
  assert.deepEqual(readWarnings(['299 - "old \\"image\\""', '199 - "no"', "nonsense"]), [
    'old "image"',
  ]);
  assert.deepEqual(
    readWarnings([`299 - "a\u001b[2Jb${Buffer.from("\u202e").toString("latin1")}c"`]),
    [String.raw`a\x1b[2Jb\u202ec`],
  );
  assert.deepEqual(readWarnings([`299 - "${"x".repeat(5000)}"`, '299 - "y"']), []);
});

test("nextPage() gives path and query, never a host", () => {
  const from = new URL("https://registry.example/v2/a/b/tags/list?n=2");
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['</v2/a/b/tags/list?n=2&last=x>; rel="next"', "/v2/a/b/tags/list?n=2&last=x"],
    ["<https://evil.example/v2/a/b/tags/list?last=x>; rel=next", "/v2/a/b/tags/list?last=x"],
    ['<list?last=x>; rel="next"', "/v2/a/b/tags/list?last=x"],
    ['</first>; rel="first", </second>; rel="next"', "/second"],
    ['</x>; title="a"; rel="prev next"', "/x"],
    ['</x>; rel="previous"', undefined],
    ["", undefined],
    ["<>", undefined],
  ];
  for (const [link, page] of rows) assert.equal(nextPage([link], from), page, link);
  assert.equal(nextPage([], from), undefined);
});

test("quoted() and quotedBytes() write as Go's %q", () => {
  assert.equal(
    quoted('a"b\\c\n\t\u0000é\u00a0\u{1f600}\u202e'),
    String.raw`"a\"b\\c\n\t\x00é${"\u00a0"}😀\u202e"`,
  );
  assert.equal(quotedBytes(Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xc3])), String.raw`"a\xffé\xc3"`);
  assert.equal(quotedBytes(Buffer.from([0xed, 0xa0, 0x80])), String.raw`"\xed\xa0\x80"`);
  assert.equal(printable("plain text, “quotes” and ünïcödé"), "plain text, “quotes” and ünïcödé");
  assert.equal(printable("\u001b]0;x\u0007\u009b1m"), String.raw`\x1b]0;x\a\u009b1m`);
});

test("redactedUrl() hides users and signatures", () => {
  const shown = redactedUrl(
    new URL("https://ann:secret@s3.example/a?X-Amz-Signature=abc&sig=x&token=y&n=1"),
  );
  assert.equal(
    shown,
    "https://s3.example/a?X-Amz-Signature=REDACTED&sig=REDACTED&token=REDACTED&n=1",
  );
});

test("joinScopes() joins the actions of each resource, so that none stands twice", () => {
  const joined = joinScopes(
    parseScopes("repository:a/b:pull"),
    parseScopes("repository:a/b:pull,push repository:h:5000/c:pull"),
  );
  assert.deepEqual(formatScopes(joined), ["repository:a/b:pull,push", "repository:h:5000/c:pull"]);
  assert.deepEqual(formatScopes(parseScopes("  nonsense  ")), []);
});

test("coversScopes() takes a wider token for a narrower need, and * for all", () => {
  const covers = (wide: string, narrow: string) =>
    coversScopes(parseScopes(wide), parseScopes(narrow));
  assert.equal(covers("repository:a:pull,push", "repository:a:pull"), true);
  assert.equal(covers("repository:a:*", "repository:a:delete"), true);
  assert.equal(covers("repository:a:pull", "repository:a:pull,push"), false);
  assert.equal(covers("repository:a:pull", "repository:b:pull"), false);
  assert.equal(covers("repository:a:pull", ""), true);
});
