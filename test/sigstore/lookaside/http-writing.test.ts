import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpStore } from "../../../sigstore/lookaside/http-store.ts";
import type { WebFolderOptions } from "../../support/web-folder.ts";
import { fakeBytes, fakeSignature, signal, subject, subjectFolder, world } from "./support.ts";

const call = { signal };
const failed = "signature.store-failed";

/** A store with `texts` in it, on a server that begins to count now. */
async function holding(texts: readonly string[], options: WebFolderOptions = {}) {
  const lookaside = await world({ writing: "put", ...options });
  for (const [at, text] of texts.entries()) lookaside.put(at + 1, fakeBytes(text));
  return lookaside;
}

type World = Awaited<ReturnType<typeof world>>;

/** What was asked for, without the path that all have: `PUT 3`. */
const log = ({ web }: World) =>
  web.log.map((line) => line.replace(/\/base\/.*\/signature-/, "").replace(subjectFolder, "…"));
const writes = (lookaside: World) => log(lookaside).filter((line) => !line.startsWith("GET"));
const add = (lookaside: World, ...texts: readonly string[]) =>
  lookaside.open().append(subject, texts.map(fakeSignature), call);
const readOnly = ({ web, client }: World, base = `${web.origin}/base`) =>
  new HttpStore(new URL(base), client, false);
const refusal = (lookaside: World, number: number) => ({
  code: failed,
  message: `Writing directly to a http lookaside ${lookaside.web.origin}${lookaside.path(number)} is not supported. Configure a lookaside-staging: location`,
});

test("append() asks for what is there, and sends what is not, once", async () => {
  await using lookaside = await holding(["one", "two"]);
  await add(lookaside);
  assert.deepEqual(log(lookaside), []);
  await add(lookaside, "two");
  assert.deepEqual(log(lookaside), ["GET 1", "GET 2"]);
  lookaside.web.log.length = 0;
  await add(lookaside, "three");
  assert.deepEqual(log(lookaside), ["GET 1", "GET 2", "GET 3", "PUT 3"]);
  await readOnly(lookaside).append(subject, [], call);
});

test("append() makes the folders where they are missing, and tries once more", async () => {
  for (const status of [403, 404, 409]) {
    await using lookaside = await holding([], {
      answer: ({ method }) => (method === "PUT" ? { status } : undefined),
    });
    await assert.rejects(add(lookaside, "one"), {
      code: failed,
      message: new RegExp(
        `^writing signature to ${lookaside.web.origin}${lookaside.path(1)}: received unexpected HTTP status: ${status} `,
      ),
    });
    const folders = ["MKCOL /base/", "MKCOL /base/ns/", "MKCOL /base/…/"];
    assert.deepEqual(log(lookaside), ["GET 1", "PUT 1", ...folders, "PUT 1"]);
  }
});

test("append() takes no other answer for a missing folder, nor for success", async () => {
  for (const status of [300, 400, 401, 405, 500]) {
    await using lookaside = await holding([], {
      answer: ({ method }) => (method === "PUT" ? { status } : undefined),
    });
    await assert.rejects(add(lookaside, "one"), { code: failed }, `${status}`);
    assert.deepEqual(log(lookaside), ["GET 1", "PUT 1"]);
  }
  for (const status of [200, 201, 204, 299]) {
    await using lookaside = await holding([], {
      answer: ({ method }) => (method === "PUT" ? { status } : undefined),
    });
    await add(lookaside, "one");
    assert.deepEqual(log(lookaside), ["GET 1", "PUT 1"]);
  }
});

test("append() overwrites nothing where the server knows no conditions", async () => {
  await using lookaside = await holding(["one", "two"], { conditions: false });
  await add(lookaside, "three");
  assert.deepEqual(await lookaside.read(), ["one", "two", "three"]);
});

test("append() gives up on a server that says both that it is there and that it is not", async () => {
  await using lookaside = await holding([], {
    answer: ({ method }) => (method === "PUT" ? { status: 412 } : undefined),
  });
  await assert.rejects(add(lookaside, "one"), {
    code: failed,
    message: `writing signature to ${lookaside.web.origin}${lookaside.path(1)}: the server says both that it is there and that it is not`,
  });
});

test("append() writes the 127th, and no more", async () => {
  const texts = Array.from({ length: 126 }, (_, at) => `s${at}`);
  await using lookaside = await holding(texts);
  await add(lookaside, "last");
  assert.deepEqual(writes(lookaside), ["PUT 127"]);
  await assert.rejects(add(lookaside, "one too many"), {
    code: "signature.store-limit",
    message: /^Cannot store a signature in http:\/\/127.*\/base: 127 are there, and nobody reads/,
  });
  assert.deepEqual(writes(lookaside), ["PUT 127"]);
});

test("remove() puts the last in the gap before it deletes it, and leaves others alone", async () => {
  await using lookaside = await holding(["one", "two", "three"]);
  const store = lookaside.open();
  await store.remove(subject, 3, call);
  await store.remove(subject, 9, call);
  await store.remove({ ...subject, repository: "h/none" }, 0, call);
  assert.deepEqual(writes(lookaside), []);
  await store.remove(subject, 2, call);
  assert.deepEqual(writes(lookaside), ["DELETE 3"]);
  await store.remove(subject, 0, call);
  assert.deepEqual(writes(lookaside), ["DELETE 3", "PUT 1", "DELETE 2"]);
  assert.deepEqual(await lookaside.read(), ["two"]);
});

test("remove() deletes nothing where the gap could not be filled", async () => {
  await using lookaside = await holding(["one", "two"], {
    answer: ({ method }) => (method === "PUT" ? { status: 507 } : undefined),
  });
  await assert.rejects(lookaside.open().remove(subject, 0, call), {
    code: failed,
    message: /^writing signature to http.*signature-1: received unexpected HTTP status: 507 /,
  });
  assert.deepEqual(lookaside.held(), ["\x89one", "\x89two"]);
});

test("remove() and removeAll() take 404 for done, and nothing else", async () => {
  for (const [status, isDone] of [
    [404, true],
    [410, false],
    [405, false],
    [500, false],
  ] as const) {
    await using lookaside = await holding(["one"], {
      answer: ({ method }) => (method === "DELETE" ? { status } : undefined),
    });
    const store = lookaside.open();
    for (const removing of [store.remove(subject, 0, call), store.removeAll(subject, call)]) {
      if (isDone) await removing;
      else {
        const message = /^removing signature http.*: received unexpected HTTP status: /;
        await assert.rejects(removing, { code: failed, message });
      }
    }
  }
});

test("removeAll() removes from the last, also more than anybody reads", async () => {
  const texts = Array.from({ length: 128 }, (_, at) => `s${at}`);
  await using lookaside = await holding(texts);
  await lookaside.open().removeAll(subject, call);
  assert.deepEqual(
    writes(lookaside),
    texts.map((_, at) => `DELETE ${128 - at}`),
  );
  lookaside.web.log.length = 0;
  await lookaside.open().removeAll(subject, call);
  assert.deepEqual(log(lookaside), ["GET 1"]);
});

test("nothing is changed in a place that was named for reading", async () => {
  await using lookaside = await holding(["one", "two"]);
  const store = readOnly(lookaside);
  await assert.rejects(store.append(subject, [fakeSignature("x")], call), refusal(lookaside, 1));
  await assert.rejects(store.checkWritable(subject), refusal(lookaside, 1));
  await assert.rejects(store.remove(subject, 1, call), refusal(lookaside, 2));
  await assert.rejects(store.removeAll(subject, call), refusal(lookaside, 1));
  await store.remove(subject, 2, call);
  assert.deepEqual(writes(lookaside), []);
  const { host } = new URL(lookaside.web.origin);
  await assert.rejects(
    readOnly(lookaside, `http://ann:secret@${host}/base`).checkWritable(subject),
    (error) => error instanceof Error && !/secret/.test(error.message),
  );
});

test("openLookaside() of another scheme refuses every call, and shows no password", async () => {
  await using lookaside = await world();
  const at = `ftp://ann:xxxxx@h/x/${subjectFolder}/signature-1`;
  const store = lookaside.open("ftp://ann:se@cret@h/x");
  const calls: readonly (readonly [doing: string, made: Promise<unknown>])[] = [
    ["reading signature from", store.read(subject, call)],
    ["writing signature to", store.append(subject, [], call)],
    ["writing signature to", store.checkWritable(subject)],
    ["deleting signature from", store.remove(subject, 0, call)],
    ["deleting signature from", store.removeAll(subject, call)],
  ];
  for (const [doing, made] of calls) {
    await assert.rejects(made, {
      code: failed,
      message: `Unsupported scheme when ${doing} ${at}`,
    });
  }
});
