import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { FolderStore } from "../../../sigstore/lookaside/folder-store.ts";
import { HttpStore } from "../../../sigstore/lookaside/http-store.ts";
import { openLookaside } from "../../../sigstore/lookaside/open-lookaside.ts";
import { KnownError } from "../../../src/core/errors.ts";
import { tempFolder } from "../../support/temp.ts";
import { type WebAnswer, WebFolder } from "../../support/web-folder.ts";
import {
  fakeBytes,
  fakeSignature,
  signal,
  subject,
  subjectFolder,
  testClient,
  world,
} from "./support.ts";

const call = { signal };
const limit = 4 * 1024 * 1024;

test("read() reads on until 404, and no other answer ends it", async () => {
  const answers: readonly [answer: WebAnswer | "cut", message: RegExp | undefined][] = [
    [{ status: 404 }, undefined],
    [{ status: 401 }, /received unexpected HTTP status: 401 Unauthorized$/],
    [{ status: 403 }, /received unexpected HTTP status: 403 Forbidden$/],
    [{ status: 410 }, /received unexpected HTTP status: 410 Gone$/],
    [{ status: 500 }, /received unexpected HTTP status: 500 Internal Server Error$/],
    [{ status: 502 }, /status: 502 Bad Gateway$/],
    [{ status: 503 }, /status: 503 Service Unavailable$/],
    [{ status: 204 }, /status: 204 No Content$/],
    [{ status: 206, body: "\x89" }, /status: 206 Partial Content$/],
    [{ status: 301 }, /status: 301 Moved Permanently$/],
    ["cut", /^Get "http:\/\/127\.0\.0\.1:\d+\/base\/.*signature-3": EOF$/],
    [{ status: 200, body: "<html>", headers: { "content-type": "text/html" } }, /0x3c$/],
    [{ status: 200, body: "" }, /empty signature blob$/],
    [
      { status: 200, body: Buffer.alloc(limit + 1, 0x89) },
      /^exceeded maximum allowed size of 4194304 bytes$/,
    ],
    [{ status: 302, headers: { location: "/x" } }, /: stopped after 10 redirects$/],
    [{ status: 302, headers: { location: "ftp://h/x" } }, /unsupported protocol scheme "ftp"$/],
  ];
  for (const [answer, message] of answers) {
    await using lookaside = await world({
      answer: ({ url }) => (/signature-3$|^\/x/.test(url ?? "") ? answer : undefined),
    });
    lookaside.put(1, fakeBytes("one"));
    lookaside.put(2, fakeBytes("two"));
    if (!message) assert.deepEqual(await lookaside.read(), ["one", "two"]);
    else {
      await assert.rejects(
        lookaside.read(),
        (error) => error instanceof KnownError && message.test(error.message),
        JSON.stringify(answer).slice(0, 100),
      );
    }
  }
});

test("read() of an image without signatures costs two requests at most, and what is behind the end does not count", async () => {
  await using lookaside = await world({
    answer: ({ url }) => (/signature-2$/.test(url ?? "") ? { status: 500 } : undefined),
  });
  assert.deepEqual(await lookaside.read(), []);
  assert.ok(lookaside.web.log.length <= 2);
  lookaside.web.options = {};
  lookaside.put(2, fakeBytes("behind a gap"));
  assert.deepEqual(await lookaside.read(), []); // G1
});

test("read() reads html that is a signature, and warns", async () => {
  await using lookaside = await world({
    answer: ({ url }) =>
      /signature-1$/.test(url ?? "")
        ? { status: 200, body: fakeBytes("one"), headers: { "content-type": "text/html; a=b" } }
        : undefined,
  });
  assert.deepEqual(await lookaside.read(), ["one"]); // G6
  assert.match(
    lookaside.client.warnings[0] ?? "",
    /has Content-Type "text\/html; a=b", unexpected/,
  );
});

test("read() takes 127 signatures and 4 MiB, and no more", async () => {
  await using lookaside = await world();
  for (let number = 1; number <= 127; number++) lookaside.put(number, fakeBytes(`${number}`));
  lookaside.put(3, Buffer.alloc(limit, 0x89)); // X3
  assert.equal((await lookaside.read()).length, 127); // G8b
  assert.ok(lookaside.web.log.length < 128 + 8, "few are asked for behind the end");
  lookaside.put(128, fakeBytes("x"));
  await assert.rejects(lookaside.read(), { code: "signature.store-limit" }); // G8
});

test("read() follows redirects, keeps query and slashes, and sends the URL's user to nobody else", async () => {
  await using elsewhere = await WebFolder.start();
  elsewhere.files.set("/y", fakeBytes("moved"));
  await using lookaside = await world({
    answer: ({ url }) =>
      /signature-1(?:\?|$)/.test(url ?? "")
        ? { status: 302, headers: { location: `${elsewhere.origin}/y` } }
        : undefined,
  });
  const { host } = new URL(lookaside.web.origin);
  assert.deepEqual(await lookaside.read(`http://ann:p%40ss@${host}/base/?x=y`), ["moved"]); // G5r, G10
  assert.deepEqual(lookaside.web.log.sort(), [
    `GET /base//${subjectFolder}/signature-1?x=y`,
    `GET /base//${subjectFolder}/signature-2?x=y`,
  ]);
  const [request] = lookaside.web.requests;
  assert.equal(
    request?.headers.authorization,
    `Basic ${Buffer.from("ann:p@ss").toString("base64")}`,
  );
  assert.equal(request?.headers["user-agent"], "test/1");
  assert.equal(elsewhere.requests[0]?.headers.authorization, undefined);
  await assert.rejects(
    lookaside.read(`http://ann:secret@${host}/base/?x=y`).then(() => {
      lookaside.web.options = { answer: () => ({ status: 403 }) };
      return lookaside.read(`http://ann:secret@${host}/base`);
    }),
    (error) => error instanceof KnownError && !/secret/.test(error.message),
  );
});

test("openLookaside() refuses other schemes when it is used, in the reference's words", async () => {
  await using client = testClient();
  for (const [base, ending] of [
    ["ftp://h/x", "reading signature from ftp://h/x/ns/one@sha256="],
    ["/var/x", "reading signature from /var/x/ns/one@sha256="],
  ] as const) {
    await assert.rejects(
      openLookaside(base, client, true).read(subject, call),
      (error) =>
        error instanceof KnownError &&
        error.message.startsWith(`Unsupported scheme when ${ending}`),
    );
  }
  assert.throws(() => openLookaside("http://%zz/", client, true), {
    message:
      'Invalid signature storage URL http://%zz/: parse "http://%zz/": invalid URL escape "%zz"',
  });
});

test("append() over http writes only where that was asked for", async () => {
  await using lookaside = await world();
  const readOnly = new HttpStore(new URL(`${lookaside.web.origin}/base`), lookaside.client, false);
  await assert.rejects(
    readOnly.append(subject, [fakeSignature("x")], call),
    /Writing directly to a http lookaside http:.*signature-1 is not supported\. Configure a lookaside-staging: location/,
  );
  await assert.rejects(lookaside.open().append(subject, [fakeSignature("x")], call), KnownError);
  assert.deepEqual(lookaside.held(), []);
});

test("append() by PUT: many at once lose none, in folders made on the way", async () => {
  await using lookaside = await world({ writing: "dav" });
  const texts = Array.from({ length: 12 }, (_, at) => `s${at}`);
  await Promise.all(
    texts.map((text) => lookaside.open().append(subject, [fakeSignature(text)], call)),
  );
  assert.deepEqual((await lookaside.read()).sort(), texts.sort());
  await lookaside.open().append(subject, texts.map(fakeSignature), call);
  assert.equal(lookaside.web.files.size, texts.length);
});

test("remove() over http fills the gap", async () => {
  await using lookaside = await world({ writing: "put" });
  const store = lookaside.open();
  await store.append(subject, ["one", "two", "three"].map(fakeSignature), call);
  await store.remove(subject, 0, call);
  assert.deepEqual(await lookaside.read(), ["three", "two"]);
  await store.removeAll(subject, call);
  assert.equal(lookaside.web.files.size, 0);
});

const soak = process.env["AMPHORA_SOAK"] === "1";

test("append() whose nth request fails loses nothing and leaves nothing wrong", async () => {
  const faults = ["cut", "cut-after", { status: 500 }, { status: 503 }] as const;
  for (const fault of faults) {
    for (let nth = 1; ; nth += soak ? 1 : 2) {
      await using lookaside = await world({
        writing: "dav",
        answer: (_, number) => (number === nth ? fault : undefined),
      });
      const add = () =>
        lookaside.open().append(subject, [fakeSignature("one"), fakeSignature("two")], call);
      await add().catch((error) => {
        assert.ok(error instanceof KnownError, String(error));
        lookaside.web.options = { writing: "dav" };
        return add();
      });
      const requests = lookaside.web.log.length;
      lookaside.web.options = {};
      assert.deepEqual(
        await lookaside.read(),
        ["one", "two"],
        `${JSON.stringify(fault)} at ${nth}`,
      );
      if (requests < nth) break;
    }
  }
});

test("what a folder store writes can be served as it is", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("base"));
  await new FolderStore(folder.in("base")).append(subject, [fakeSignature("one")], call);
  await using lookaside = await world();
  const file = folder.in("base", subjectFolder, "signature-1");
  assert.equal(dirname(file), folder.in("base", subjectFolder));
  lookaside.put(1, await readFile(file));
  assert.deepEqual(await lookaside.read(), ["one"]);
});
