import assert from "node:assert/strict";
import { test } from "node:test";
import {
  maxSignatureBytes,
  mostSignatures,
  parseLookasideBase,
  redactedText,
  signatureUrl,
  subjectPath,
  withoutPassword,
} from "../../../sigstore/lookaside/layout.ts";
import { goQuote } from "../../../src/core/go-quote.ts";
import { subject, subjectFolder } from "./support.ts";

test("parseLookasideBase() takes the path of a file URL, whatever its host, unescaped", () => {
  const folders: Readonly<Record<string, string>> = {
    "file:///var/x": "/var/x",
    "file:///var/x/": "/var/x/",
    "file://host/var/x": "/var/x",
    "file:/var/x": "/var/x",
    "FILE:///var/x": "/var/x",
    "file:////x": "//x",
    "file:///a//b": "/a//b",
    "file:/a//b": "/a//b",
    "file:///a%20b/%C3%BC?x#y": "/a b/ü",
    "file:///a#b?%zz": "/a",
    "file:///a%ffb": "/a%ffb",
    "file://host": "/",
    "file://": "/",
    "file:": "/",
  };
  for (const [text, path] of Object.entries(folders)) {
    assert.deepEqual(parseLookasideBase(text), { type: "folder", path }, text);
  }
});

test("parseLookasideBase() tells the web from what is not supported", () => {
  for (const text of [
    "http://h/x",
    "https://h:81/x?y",
    "HTTPS://h",
    "http://h?%zz",
    "http://h#%",
  ]) {
    assert.deepEqual(parseLookasideBase(text), { type: "http", url: new URL(text) });
  }
  for (const text of ["", "file", "/var/x", "/var/file:/x", "ftp://h/x", "s3://%zz"]) {
    assert.deepEqual(parseLookasideBase(text), { type: "unsupported", text });
  }
});

test("parseLookasideBase() refuses what is no URL, and shows no password", () => {
  const bad: Readonly<Record<string, readonly [shown: string, why: string]>> = {
    "file:///a%4": ["file:///a%4", 'invalid URL escape "%4"'],
    "file:///a%zzz": ["file:///a%zzz", 'invalid URL escape "%zz"'],
    "http://h:99999/": ["http://h:99999/", "invalid URL"],
    "http://h\n": ["http://h\n", "net/url: invalid control character in URL"],
    "file:///x\n": ["file:///x\n", "net/url: invalid control character in URL"],
    "http://": ["http://", "no Host in request URL"],
    "http:///h/x": ["http:///h/x", "no Host in request URL"],
    "https:h/x": ["https:h/x", "no Host in request URL"],
    "http:/h/x": ["http:/h/x", "no Host in request URL"],
    "1http://h": ["1http://h", "first path segment in URL cannot contain colon"],
    "127.0.0.1:80": ["127.0.0.1:80", "first path segment in URL cannot contain colon"],
    "http://ann:pw@h/%": ["http://ann:xxxxx@h/%", 'invalid URL escape "%"'],
    "http://ann:p@w:@h:x/": ["http://ann:xxxxx@h:x/", "invalid URL"],
  };
  for (const [text, [shown, why]] of Object.entries(bad)) {
    assert.throws(() => parseLookasideBase(text), {
      code: "signature.store-failed",
      message: `Invalid signature storage URL ${shown}: parse ${goQuote(shown)}: ${why}`,
    });
  }
});

test("subjectPath() has the path without its host, and none that leads elsewhere", () => {
  assert.equal(subjectPath(subject), subjectFolder);
  for (const repository of ["h/..", "h/.", "h/", "h/a/./b", "h/./a", "h/a/..", "h//a", "h/a/"]) {
    assert.throws(() => subjectPath({ ...subject, repository }), {
      code: "signature.store-failed",
      message: `Unexpected path elements in Docker reference ${repository} for signature storage`,
    });
  }
  for (const path of ["a", "a.b", "..a", "a../b", "a/.b"]) {
    assert.ok(subjectPath({ ...subject, repository: `h/${path}` }).startsWith(`${path}@sha256=`));
  }
});

test("signatureUrl() adds to the path, before the query", () => {
  const urls: Readonly<Record<string, string>> = {
    "http://h": `http://h/${subjectFolder}/signature-1`,
    "http://h/a": `http://h/a/${subjectFolder}/signature-1`,
    "http://h/a/?x=y": `http://h/a//${subjectFolder}/signature-1?x=y`,
  };
  for (const [base, url] of Object.entries(urls)) {
    assert.equal(signatureUrl(new URL(base), subject, 1).href, url);
  }
});

test("no text shows a password, or a part of one", () => {
  const shown: Readonly<Record<string, string>> = {
    "http://ann:pw@h/x:y@z": "http://ann:xxxxx@h/x:y@z",
    "http://ann:p@w@h/x": "http://ann:xxxxx@h/x",
    "http://a@b:pw@h/x": "http://a@b:xxxxx@h/x",
    "http://:pw@h/x": "http://:xxxxx@h/x",
    "http://ann:p:w@h?a:b@c": "http://ann:xxxxx@h?a:b@c",
    "http://ann@h:80/x": "http://ann@h:80/x",
    "http://h:80/x@y": "http://h:80/x@y",
    "http://h?a:b@c": "http://h?a:b@c",
    "/var/x:y@z": "/var/x:y@z",
  };
  for (const [text, expected] of Object.entries(shown)) {
    assert.equal(withoutPassword(text), expected);
    if (!URL.canParse(text)) continue;
    const told = redactedText(new URL(text));
    assert.equal(told, new URL(expected).href);
  }
});

test("what is taken is what the reference takes", () => {
  assert.deepEqual([mostSignatures, maxSignatureBytes], [127, 4_194_304]);
});
