import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { openLookaside } from "../../../sigstore/lookaside/open-lookaside.ts";
import { KnownError } from "../../../src/core/errors.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "../../../src/registry/http/contract.ts";
import { type WebAnswer, WebFolder, type WebFolderOptions } from "../../support/web-folder.ts";
import { fakeBytes, fakeSignature, signal, subject, world } from "./support.ts";

const call = { signal };
const failed = "signature.store-failed";

/** Says `answer` for the first signature. */
const firstIs =
  (answer: WebAnswer): NonNullable<WebFolderOptions["answer"]> =>
  ({ url = "" }) =>
    /signature-1(?:\?|$)/.test(url) ? answer : undefined;
const movedTo = (location: string, status = 302): WebAnswer => ({ status, headers: { location } });
const basic = (pair: Uint8Array) => `Basic ${Buffer.from(pair).toString("base64")}`;

test("read() follows every redirect that says where to, with the URL's user on the same host", async () => {
  await using elsewhere = await WebFolder.start();
  elsewhere.files.set("/y", fakeBytes("moved"));
  for (const status of [301, 302, 303, 307, 308]) {
    await using lookaside = await world({ answer: firstIs(movedTo("/y", status)) });
    lookaside.web.files.set("/y", fakeBytes("here"));
    const { host } = new URL(lookaside.web.origin);
    assert.deepEqual(await lookaside.read(`http://ann:pw@${host}/base`), ["here"], `${status}`);
    const asked = lookaside.web.requests.find(({ url }) => url === "/y");
    assert.equal(asked?.headers.authorization, basic(Buffer.from("ann:pw")));
    const { host: other } = new URL(elsewhere.origin);
    lookaside.web.options = { answer: firstIs(movedTo(`//${other}/y`, status)) };
    assert.deepEqual(await lookaside.read(`http://ann:pw@${host}/base`), ["moved"]);
  }
  for (const { headers } of elsewhere.requests) assert.equal(headers.authorization, undefined);
});

test("read() follows nothing else", async () => {
  for (const status of [201, 300, 304, 305, 309]) {
    await using lookaside = await world({ answer: firstIs(movedTo("/y", status)) });
    lookaside.web.files.set("/y", fakeBytes("here"));
    await assert.rejects(lookaside.read(), { code: failed }, `${status}`);
  }
  const body = fakeBytes("here");
  await using lookaside = await world({
    answer: firstIs({ status: 200, headers: { location: "/y" }, body }),
  });
  assert.deepEqual(await lookaside.read(), ["here"]);
});

test("read() follows nine redirects, and tells of the tenth as Go does", async () => {
  await using lookaside = await world({
    answer: ({ url = "" }) => {
      const left = Number(/^\/left\/(\d+)$/.exec(url)?.[1] ?? 0);
      return left > 0 ? movedTo(`/left/${left - 1}`) : firstIs(movedTo(start))({ url } as never, 0);
    },
  });
  lookaside.web.files.set("/left/0", fakeBytes("here"));
  let start = "/left/8";
  assert.deepEqual(await lookaside.read(), ["here"]);
  start = "/left/9";
  await assert.rejects(lookaside.read(), {
    code: failed,
    message: 'Get "/left/0": stopped after 10 redirects',
  });
});

test("read() goes to no other scheme, and shows no password of where it was sent", async () => {
  const sent: Readonly<Record<string, RegExp>> = {
    "ftp://ann:pw@h/x": /^Get "ftp:\/\/ann:xxxxx@h\/x": unsupported protocol scheme "ftp"$/,
    "file:///etc/passwd": /^Get "file:\/\/\/etc\/passwd": unsupported protocol scheme "file"$/,
    "http://[": /^Get "http:\/\/127.*signature-1": failed to parse Location header$/,
    "https://127.0.0.1:1/x": /^Get "https:\/\/127\.0\.0\.1:1\/x": (?!unsupported)/,
  };
  for (const [location, message] of Object.entries(sent)) {
    await using lookaside = await world({ answer: firstIs(movedTo(location)) });
    await assert.rejects(lookaside.read(), { code: failed, message });
  }
});

test("read() sends the URL's user and password, whatever their bytes", async () => {
  const users: Readonly<Record<string, Buffer | undefined>> = {
    "ann:p%40:s@": Buffer.from("ann:p@:s"),
    "ann@": Buffer.from("ann:"),
    ":pw@": Buffer.from(":pw"),
    "%C3%BC:%ff@": Buffer.from("ü:\xff".replace("ü", "\xc3\xbc"), "latin1"),
    "": undefined,
  };
  for (const [user, pair] of Object.entries(users)) {
    await using lookaside = await world();
    const { host } = new URL(lookaside.web.origin);
    assert.deepEqual(await lookaside.read(`http://${user}${host}/base`), []);
    const told = lookaside.web.requests[0]?.headers.authorization;
    assert.equal(told, pair && basic(pair), user);
  }
});

test("read() warns of html alone, and shows no password", async () => {
  const types: Readonly<Record<string, boolean>> = {
    "text/html": true,
    "Text/HTML; charset=x": true,
    "text/htmlx": false,
    "x-text/html": false,
    "text/plain": false,
    "": false,
  };
  for (const [type, isTold] of Object.entries(types)) {
    const headers = type === "" ? {} : { "content-type": type };
    await using lookaside = await world({
      answer: firstIs({ status: 200, headers, body: fakeBytes("one") }),
    });
    const { host } = new URL(lookaside.web.origin);
    assert.deepEqual(await lookaside.read(`http://ann:secret@${host}/base`), ["one"]);
    assert.equal(lookaside.client.warnings.length, isTold ? 1 : 0, type);
    assert.doesNotMatch(lookaside.client.warnings.join(), /secret/);
  }
});

test("read() does not warn of what is behind the end", async () => {
  await using lookaside = await world({
    answer: ({ url = "" }) =>
      /signature-2$/.test(url)
        ? { status: 200, headers: { "content-type": "text/html" }, body: "<html>" }
        : undefined,
  });
  assert.deepEqual(await lookaside.read(), []);
  assert.deepEqual(lookaside.client.warnings, []);
});

test("read() takes a signature that comes as gzip, and no more of it than of others", async () => {
  const gzip = (body: Uint8Array, encoding = "gzip"): WebAnswer => ({
    status: 200,
    headers: { "content-encoding": encoding },
    body,
  });
  const limit = 4 * 1024 * 1024;
  const cases: readonly (readonly [answer: WebAnswer, code: string | undefined])[] = [
    [gzip(gzipSync(fakeBytes("one"))), undefined],
    [gzip(gzipSync(fakeBytes("one")), "GZIP"), undefined],
    [gzip(fakeBytes("one"), "deflate"), undefined],
    [gzip(fakeBytes("one"), "identity"), undefined],
    [gzip(fakeBytes("one")), failed],
    [gzip(gzipSync(fakeBytes("one")).subarray(0, -9)), failed],
    [gzip(gzipSync(Buffer.alloc(limit + 1, 0x89))), "signature.store-limit"],
  ];
  for (const [answer, code] of cases) {
    await using lookaside = await world({ answer: firstIs(answer) });
    if (code) await assert.rejects(lookaside.read(), { code });
    else assert.deepEqual(await lookaside.read(), ["one"]);
  }
});

test("a signature that is too large is a limit, not a failure", async () => {
  await using lookaside = await world();
  lookaside.put(1, Buffer.alloc(4 * 1024 * 1024 + 1, 0x89));
  await assert.rejects(lookaside.read(), { code: "signature.store-limit" });
  lookaside.put(1, Buffer.alloc(0));
  await assert.rejects(lookaside.read(), { code: failed });
});

test("read() takes no signature that was cut off", async () => {
  await using lookaside = await world({
    answer: firstIs({
      status: 200,
      headers: { "content-length": "100", connection: "close" },
      body: fakeBytes("half"),
    }),
  });
  await assert.rejects(lookaside.read(), {
    code: failed,
    message: /^Get "http:.*signature-1": /,
  });
});

test("read() asks again where the connection broke", async () => {
  let left = 1;
  await using lookaside = await world({
    answer: ({ url = "" }) => (/signature-1$/.test(url) && left-- > 0 ? "cut" : undefined),
  });
  lookaside.put(1, fakeBytes("one"));
  assert.deepEqual(await lookaside.read(), ["one"]);
});

/** A client whose requests fail, and what it was asked. */
function failing(fail: (asked: number) => unknown) {
  const requests: HttpRequest[] = [];
  const warmed: string[] = [];
  const http: HttpClient = {
    async request(request): Promise<HttpResponse> {
      requests.push(request);
      throw fail(requests.length);
    },
    warm(url) {
      warmed.push(url.href);
      return { [Symbol.dispose]() {} };
    },
    async contact() {},
    async [Symbol.asyncDispose]() {},
  };
  const open = (writable = true) =>
    openLookaside(
      "http://ann:secret@h/base",
      { http, userAgent: "test/1", onWarning: () => {} },
      writable,
    );
  return { requests, warmed, open };
}

const firstTries = (requests: readonly HttpRequest[]) =>
  requests.filter(({ url }) => /signature-1$/.test(url.href)).length;

test("read() tries three times, and no more", async () => {
  const { open, requests } = failing(
    () => new KnownError("registry.connection-lost", "EOF", { retryable: true }),
  );
  await assert.rejects(open().read(subject, call), {
    code: failed,
    message: /^Get "http:\/\/ann:xxxxx@h\/base\/.*signature-1": EOF$/,
  });
  assert.equal(firstTries(requests), 3);
});

test("what would fail again is not tried again, and what was not foreseen is thrown as it is", async () => {
  const errors: readonly (readonly [Error, object])[] = [
    [
      new KnownError("registry.tls", "bad certificate"),
      { code: failed, message: /^Get "http:\/\/ann:xxxxx@h\/base\/.*signature-1": bad cert/ },
    ],
    [new TypeError("a bug"), { name: "TypeError", message: "a bug" }],
    [Object.assign(new Error("odd"), { retryable: true }), { message: "odd" }],
  ];
  for (const [error, told] of errors) {
    const { open, requests } = failing(() => error);
    await assert.rejects(open().read(subject, call), told);
    assert.equal(firstTries(requests), 1);
  }
});

test("nothing is tried again once it was called off", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const { open, requests } = failing(() => {
    controller.abort(reason);
    return new KnownError("registry.connection-lost", "EOF", { retryable: true });
  });
  const { signal } = controller;
  await assert.rejects(open().append(subject, [fakeSignature("one")], { signal }), reason);
  assert.equal(requests.length, 1);
});

test("the HTTP client is given no password but in the header, and two connections are begun early", async () => {
  const { open, requests, warmed } = failing(() => new Error("no"));
  const store = open();
  store.expect?.();
  assert.deepEqual(warmed, Array(2).fill("http://ann:secret@h/base"));
  await assert.rejects(store.read(subject, call));
  for (const { url, headers } of requests) {
    assert.match(url.href, /^http:\/\/h\/base\//);
    assert.equal(headers["authorization"], basic(Buffer.from("ann:secret")));
  }
});
