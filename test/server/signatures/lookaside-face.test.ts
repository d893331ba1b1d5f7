import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import {
  call,
  entryOf,
  listOf,
  manifest,
  messageOf,
  signatureOf,
  team,
  textIn,
  toyOrigin,
  type World,
  world,
} from "./support.ts";

const ann = { user: "ann" };
const put = (lookaside: World, number: number, body: Uint8Array, headers = {}) =>
  lookaside.ask(lookaside.at(number), { method: "PUT", ...ann, body, headers });
const add = (lookaside: World, ...texts: readonly string[]) =>
  lookaside.signatures.add(
    team,
    manifest,
    texts.map((text) => signatureOf(text)),
    call,
  );

/** What a client reads: signature-1 and on, until 404. */
async function readAll({ ask, at }: World): Promise<string[]> {
  const texts: string[] = [];
  for (let number = 1; ; number++) {
    const { status, body } = await ask(at(number));
    if (status === 404) return texts;
    assert.equal(status, 200);
    texts.push(textIn(body));
  }
}

test("GET gives each signature, HEAD its length, and 404 ends the list", async () => {
  await using lookaside = await world();
  await add(lookaside, "one", "two");
  const stored = await readFile(lookaside.file(2));
  const { status, headers, body } = await lookaside.ask(lookaside.at(2));
  assert.deepEqual([status, body], [200, stored]);
  assert.equal(headers["content-type"], "application/octet-stream");
  assert.equal(headers["content-length"], String(stored.length));
  assert.equal(headers["cache-control"], "no-cache");
  const head = await lookaside.ask(lookaside.at(2), { method: "HEAD" });
  assert.deepEqual([head.status, head.body.length], [200, 0]);
  for (const name of ["content-type", "content-length", "etag"]) {
    assert.equal(head.headers[name], headers[name], name);
  }
  const again = { "if-none-match": headers.etag ?? "" };
  assert.equal((await lookaside.ask(lookaside.at(2), { headers: again })).status, 304);
  const part = await lookaside.ask(lookaside.at(2), { headers: { range: "bytes=0-3" } });
  assert.deepEqual([part.status, part.body], [200, stored]);
  for (const method of ["GET", "HEAD"]) {
    assert.equal((await lookaside.ask(lookaside.at(3), { method })).status, 404);
  }
});

test("the same signature has its path with the domain, without it, and at the root", async () => {
  await using lookaside = await world();
  await add(lookaside, "one");
  const file = `team/app@${manifest.replace(":", "=")}/signature-1`;
  for (const path of [
    `/sigstore/registry.test/${file}`,
    `/sigstore/${file}`,
    `/sigstore//registry.test//team/app@${manifest.replace(":", "=")}//signature-1`,
    `/sigstore/${file.replace("@", "%40").replace("=", "%3D")}?query=1`,
  ]) {
    assert.equal((await lookaside.ask(path)).status, 200, path);
  }
  for (const path of [`/${file}`, `/registry.test/${file}`, `//registry.test/${file}`]) {
    assert.equal((await lookaside.askAlone(path)).status, 200, path);
  }
  assert.equal((await lookaside.ask(`/sigstore/other.test/${file}`)).status, 404);
});

test("paths that are none are never found, nor lead out of the store (Z4)", async () => {
  await using lookaside = await world();
  await add(lookaside, "one");
  await writeFile(lookaside.folder.in("signature-1"), messageOf("outside"));
  const hex = manifest.slice(7);
  const at = (digest: string, number = "signature-1", name = "registry.test/team/app") =>
    `${name}@${digest}/${number}`;
  const bad = [
    at(`sha256=${hex.slice(1)}`),
    at(`sha256=${hex}0`),
    at(`sha256=${hex.toUpperCase()}`),
    at(`SHA256=${hex}`),
    at(`sha512=${hex}`),
    at(`md5=${hex.slice(32)}`),
    at(`sha256:${hex}`),
    ...["0", "-1", "+1", "01", "1e3", "1.0", "0x1", "", "1/", "1/..", "128", "9".repeat(20)].map(
      (number) => at(`sha256=${hex}`, `signature-${number}`),
    ),
    at(`sha256=${hex}`, "signature-1%00"),
    at(`sha256=${hex}`, "signature-%31%00"),
    at(`sha256=${hex}`, "%2e%2e/signature-1"),
    at(`sha256=${hex}`, "../signature-1"),
    at(`sha256=${hex}`, "signature-1", "registry.test/../../x"),
    at(`sha256=${hex}`, "signature-1", "registry.test/%2e%2e/%2e%2e/team/app"),
    at(`sha256=${hex}`, "signature-1", "registry.test%2fteam/app"),
    at(`sha256=${hex}`, "signature-1", "registry.test/team%2Fapp"),
    at(`sha256=${hex}`, "signature-1", "registry.test/team%5capp"),
    at(`sha256=${hex}`, "signature-1", "registry.test/team%252fapp"),
    at(`sha256=${hex}`, "signature-1", "registry.test/Team/app"),
    at(`sha256=${hex}`, "signature-1", "..%2f.."),
    at(`sha256=${hex}`, "signature-1", "."),
    at(`sha256=${hex}`, "signature-1", "%ff/x"),
    at(`sha256=${hex}`, "signature-1", `registry.test/${"a".repeat(250)}`),
    "%2e%2e/signature-1",
    "../signature-1",
    "/../../signature-1",
    "x",
    "",
    "a/".repeat(5000),
  ];
  for (const path of bad) {
    for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
      const body = method === "PUT" ? messageOf("evil") : undefined;
      const answer = await lookaside.ask(`/sigstore/${path}`, {
        method,
        ...ann,
        ...(body && { body }),
      });
      assert.ok([400, 404].includes(answer.status), `${method} ${path}: ${answer.status}`);
      assert.doesNotMatch(String(answer.headers["content-type"]), /html/);
    }
  }
  const files = await readdir(lookaside.folder.path, { recursive: true });
  assert.equal(files.filter((name) => /signature-\d/.test(name)).length, 2, files.join());
});

test("PUT keeps the next one, and what it gives is what the API gives", async () => {
  await using lookaside = await world();
  const [one, two] = [messageOf("one"), messageOf("two")];
  const first = await put(lookaside, 1, one);
  assert.equal(first.status, 201);
  assert.equal((await put(lookaside, 1, one)).status, 200);
  assert.equal((await put(lookaside, 2, one)).status, 200, "it is there already");
  assert.equal((await put(lookaside, 2, two, { "if-none-match": "*" })).status, 201);
  assert.equal((await put(lookaside, 2, two, { "if-none-match": "*" })).status, 412);
  assert.equal((await put(lookaside, 4, messageOf("four"))).status, 409);
  assert.equal((await put(lookaside, 1, messageOf("other"))).status, 409);
  assert.deepEqual(await readAll(lookaside), ["one", "two"]);
  assert.equal((await lookaside.ask(lookaside.at(1))).headers.etag, first.headers.etag);
  assert.deepEqual((await listOf(lookaside)).texts, ["one", "two"]);
  const path = `/extensions/v2/team/app/signatures/${manifest}`;
  const body = entryOf(messageOf("three"));
  assert.equal((await lookaside.ask(path, { method: "PUT", ...ann, body })).status, 201);
  assert.deepEqual(await readAll(lookaside), ["one", "two", "three"]);
  assert.deepEqual(
    lookaside.audited.map(({ type, user, repository, digest }) => [type, user, repository, digest]),
    Array(3).fill(["signature-added", "ann", "registry.test/team/app", manifest]),
  );
});

test("PUT takes nothing but signatures, and no more than clients read", async () => {
  await using lookaside = await world();
  const one = messageOf("one");
  const bad = {
    empty: "",
    html: "<html>",
    armor: "-----BEGIN PGP MESSAGE-----\n\n",
    "first byte alone": "\x89",
    truncated: one.subarray(0, -3),
    trailing: Buffer.concat([one, Buffer.from("x")]),
    twice: Buffer.concat([one, one]),
    "of a form that others refuse": Buffer.concat([Buffer.from([0x93]), one.subarray(1)]),
    "an envelope of another kind": "\0notation\nx",
    "an envelope without a name": "\0",
    "a sigstore envelope without signature": `\0sigstore-json\n{"mimeType":"x","payload":"e30=","annotations":{}}`,
    "a sigstore envelope of no JSON": "\0sigstore-json\n{",
  };
  for (const [what, body] of Object.entries(bad)) {
    const answer = await put(lookaside, 1, Buffer.from(body as string, "latin1"));
    assert.equal(answer.status, 422, what);
    assert.match(answer.body.toString(), /"SIGNATURE_INVALID"/);
  }
  assert.equal((await put(lookaside, 1, Buffer.alloc(4 * 1024 * 1024 + 1, 0x89))).status, 413);
  const chunked = { "transfer-encoding": "chunked" };
  const large = await put(lookaside, 1, Buffer.alloc(4 * 1024 * 1024 + 1, 0x89), chunked);
  assert.equal(large.status, 413);
  assert.deepEqual(await readAll(lookaside), []);
  await add(lookaside, "s1");
  for (let number = 2; number <= 127; number++) {
    await writeFile(lookaside.file(number), messageOf(`s${number}`));
  }
  assert.equal((await put(lookaside, 127, one)).status, 409);
  assert.equal((await lookaside.ask(lookaside.at(128))).status, 404);
  assert.equal((await put(lookaside, 128, one)).status, 404, "nobody reads it");
  assert.equal((await readAll(lookaside)).length, 127);
  const path = `/extensions/v2/team/app/signatures/${manifest}`;
  const full = await lookaside.ask(path, { method: "PUT", ...ann, body: entryOf(one) });
  assert.equal(full.status, 413);
});

test("DELETE moves the last into the hole, and If-Match says which is meant", async () => {
  await using lookaside = await world();
  await add(lookaside, "one", "two", "three", "four");
  const remove = (number: number, headers = {}) =>
    lookaside.ask(lookaside.at(number), { method: "DELETE", ...ann, headers });
  const { etag = "" } = (await lookaside.ask(lookaside.at(2))).headers;
  assert.equal((await remove(3, { "if-match": etag })).status, 412);
  assert.equal((await remove(2, { "if-match": `"x", ${etag}` })).status, 204);
  assert.deepEqual(await readAll(lookaside), ["one", "four", "three"]);
  assert.equal((await remove(3)).status, 204);
  assert.equal((await remove(3)).status, 404);
  assert.deepEqual(await readAll(lookaside), ["one", "four"]);
  const replaced = await put(lookaside, 1, messageOf("new"), {
    "if-match": (await lookaside.ask(lookaside.at(1))).headers.etag,
  });
  assert.equal(replaced.status, 200);
  assert.deepEqual(await readAll(lookaside), ["new", "four"]);
  assert.equal((await put(lookaside, 3, messageOf("x"), { "if-match": "*" })).status, 412);
});

test("who may read, and who may write, is asked of the rights", async () => {
  await using lookaside = await world();
  await add(lookaside, "one");
  const closed = { ...team, path: "closed/app", requested: "closed/app" };
  await lookaside.signatures.add(closed, manifest, [signatureOf("one")], call);
  const name = "registry.test/closed/app";
  const get = async (user?: string) =>
    (await lookaside.ask(lookaside.at(1, name), user ? { user } : {})).status;
  assert.deepEqual([await get(), await get("bob"), await get("eve")], [401, 200, 403]);
  assert.equal(await get("mallory"), 401);
  const { headers, body } = await lookaside.ask(lookaside.at(1, name));
  assert.equal(headers["www-authenticate"], 'Bearer realm="x",scope="repository:closed/app:pull"');
  assert.match(body.toString(), /"UNAUTHORIZED"/);
  for (const method of ["PUT", "DELETE"]) {
    const write = async (user?: string) =>
      (
        await lookaside.ask(lookaside.at(2), {
          method,
          ...(user && { user }),
          ...(method === "PUT" && { body: messageOf("two") }),
        })
      ).status;
    assert.deepEqual([await write(), await write("bob"), await write("eve")], [401, 403, 403]);
  }
  assert.deepEqual(await readAll(lookaside), ["one"]);
  await using open = await world({ open: true });
  await open.signatures.add(closed, manifest, [signatureOf("one")], call);
  assert.equal((await open.ask(open.at(1, name))).status, 200);
});

test("files that are no signatures, and gaps, are not shown to anybody", async () => {
  await using lookaside = await world();
  await add(lookaside, "one", "two", "three");
  await rm(lookaside.file(1));
  await writeFile(lookaside.file(4), "<html>");
  await writeFile(lookaside.file(5), "");
  await writeFile(lookaside.file(6), messageOf("six"));
  await mkdir(`${dirname(lookaside.file(1))}/.x`);
  assert.deepEqual(await readAll(lookaside), ["two", "three", "six"]);
  assert.ok(lookaside.events.some(({ type }) => type === "signatures-dropped"));
});

test("others' signatures follow our own, and cannot be written over", async () => {
  const other = toyOrigin();
  other.signatures = [signatureOf("theirs")];
  await using lookaside = await world({ openOrigins: async () => [other.origin] });
  await add(lookaside, "ours");
  assert.deepEqual(await readAll(lookaside), ["ours", "theirs"]);
  assert.equal((await put(lookaside, 2, messageOf("x"))).status, 409);
  const deleted = await lookaside.ask(lookaside.at(2), { method: "DELETE", ...ann });
  assert.equal(deleted.status, 409);
  assert.equal((await put(lookaside, 3, messageOf("more"))).status, 201);
  assert.deepEqual(await readAll(lookaside), ["ours", "more", "theirs"]);
});

test("where others cannot be asked, ours are given with a warning, and nothing is never given", async () => {
  const other = toyOrigin();
  other.failure = "GET https://upstream.test: 500";
  await using lookaside = await world({ openOrigins: async () => [other.origin] });
  const { status, headers, body } = await lookaside.ask(lookaside.at(1));
  assert.deepEqual([status, headers["retry-after"]], [503, "5"]);
  assert.match(
    body.toString(),
    /"signatures cannot be read now: not all of their sources could be asked"/,
  );
  await add(lookaside, "ours");
  const ours = await lookaside.ask(lookaside.at(1));
  assert.deepEqual([ours.status, textIn(ours.body)], [200, "ours"]);
  assert.match(String(ours.headers.warning), /^299 /);
  const end = await lookaside.ask(lookaside.at(2));
  assert.deepEqual([end.status, end.headers.warning], [404, ours.headers.warning]);
});
