import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import type { RouteRepository } from "../../../src/server/signatures/route.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import { packet } from "../../support/openpgp/packets.ts";
import { signatureBy } from "../../support/sigstore.ts";
import {
  call,
  domain,
  entryOf,
  listOf,
  manifest,
  messageOf,
  signatureOf,
  team,
  toyOrigin,
  type World,
  world,
} from "./support.ts";

const ann = { user: "ann" };
const path = `/extensions/v2/team/app/signatures/${manifest}`;
const put = ({ ask }: World, body: string | Uint8Array, at = path) =>
  ask(at, { method: "PUT", ...ann, body });

test("a manifest that nobody knows has an empty list, which is 200", async () => {
  await using api = await world();
  for (const name of ["team/app", "a", "a/b/c/d-e/f__g.h", "signatures/signatures"]) {
    const { status, headers, body } = await api.ask(
      `/extensions/v2/${name}/signatures/${manifest}`,
    );
    assert.deepEqual([status, body.toString()], [200, '{"signatures":[]}'], name);
    assert.match(String(headers["content-type"]), /^application\/json/);
  }
  const long = digestOf(Buffer.from("x"), "sha512");
  assert.deepEqual((await listOf(api, "team/app", long)).entries, []);
});

test("PUT keeps a signature, 201 however often, and each is given once", async () => {
  await using api = await world();
  const one = messageOf("one");
  for (const name of [`${manifest}@${"1".repeat(32)}`, `${manifest}@${"2".repeat(32)}`, "x"]) {
    const { status, body } = await put(api, entryOf(one, { name }));
    assert.deepEqual([status, body.length], [201, 0]);
  }
  await put(api, entryOf(messageOf("two")), path.replace("sha256:", "sha256%3A"));
  const { entries, texts } = await listOf(api);
  assert.deepEqual(texts, ["one", "two"]);
  for (const { schemaVersion, name, type } of entries) {
    assert.deepEqual([schemaVersion, type], [2, "atomic"]);
    assert.match(name, new RegExp(`^${manifest}@[0-9a-f]{32}$`));
  }
  assert.notEqual(entries[0]?.name, entries[1]?.name);
  assert.equal((await api.ask(api.at(2))).status, 200, "and the look-aside has it");
  assert.equal(api.audited.length, 2);
});

test("PUT refuses what is no signature, and keeps nothing of it", async () => {
  await using api = await world();
  const good = messageOf("one");
  const bad: Readonly<Record<string, string | Uint8Array>> = {
    "no JSON": "{",
    "no object": "[]",
    nothing: "",
    "twice the same member": entryOf(good).replace("{", '{"type":"atomic",'),
    "another version": entryOf(good, { schemaVersion: 1 }),
    "no version": entryOf(good, { schemaVersion: undefined }),
    "another type": entryOf(good, { type: "other" }),
    "no name": entryOf(good, { name: undefined }),
    "another manifest's name": entryOf(good, { name: `sha256:${"0".repeat(64)}@x` }),
    "no content": entryOf(good, { content: undefined }),
    "null content": entryOf(good, { content: null }),
    "empty content": entryOf(Buffer.from("")),
    "no base64": entryOf(good, { content: "****" }),
    base64url: entryOf(good, { content: "-_-_" }),
    "padding missing": entryOf(good, { content: "iQ" }),
    "no OpenPGP": entryOf(Buffer.from("hello")),
    "packets of no message": entryOf(packet(11, Buffer.from("b\0\0\0\0\0x"))),
    "an armored message": entryOf(Buffer.from("-----BEGIN PGP MESSAGE-----")),
    "a sigstore envelope": entryOf(Buffer.from("\0sigstore-json\n{}")),
  };
  for (const [what, body] of Object.entries(bad)) {
    const answer = await put(api, body);
    assert.equal(answer.status, 422, what);
    assert.match(answer.body.toString(), /"SIGNATURE_INVALID"/, what);
  }
  assert.equal((await put(api, Buffer.alloc(4 * 1024 * 1024 + 1, " "))).status, 413);
  assert.deepEqual((await listOf(api)).entries, []);
});

test("paths that name no manifest are refused", async () => {
  await using api = await world();
  const cases: readonly (readonly [path: string, status: number])[] = [
    [`team/app/signatures/sha256:${"a".repeat(63)}`, 400],
    [`team/app/signatures/${manifest.toUpperCase()}`, 400],
    ["team/app/signatures/latest", 400],
    [`team/app/signatures/${manifest}/`, 404],
    [`signatures/${manifest}`, 404],
    [`team/../app/signatures/${manifest}`, 404],
    [`team%2fapp/signatures/${manifest}`, 404],
    [`%2e%2e/app/signatures/${manifest}`, 404],
    [`Team/app/signatures/${manifest}`, 404],
    [`team/app/signatures/${manifest}%00`, 400],
    ["team/app", 404],
  ];
  for (const [rest, expected] of cases) {
    for (const method of ["GET", "PUT"]) {
      const body = method === "PUT" ? entryOf(messageOf("x")) : undefined;
      const asking = { method, ...ann, ...(body && { body }) };
      const { status } = await api.ask(`/extensions/v2/${rest}`, asking);
      assert.equal(status, expected, `${method} ${rest}`);
    }
  }
  assert.equal((await api.ask(path, { method: "DELETE", ...ann })).status, 404);
});

test("rights are those of the repository, and writing takes that to sign", async () => {
  await using api = await world();
  const closed = `/extensions/v2/closed/app/signatures/${manifest}`;
  const get = async (user?: string) => (await api.ask(closed, user ? { user } : {})).status;
  assert.deepEqual([await get(), await get("bob"), await get("eve")], [401, 200, 403]);
  const write = async (user?: string) =>
    await api.ask(path, {
      method: "PUT",
      body: entryOf(messageOf("one")),
      ...(user && { user }),
    });
  assert.deepEqual(
    [await write(), await write("bob"), await write("ann")].map(({ status }) => status),
    [401, 403, 201],
  );
  assert.match(String((await write()).headers["www-authenticate"]), /:pull,sign"$/);
});

test("a list stays below what clients take, however much there is", async () => {
  await using api = await world();
  await put(api, entryOf(messageOf("s1")));
  for (let number = 2; number <= 140; number++) {
    await writeFile(api.file(number), messageOf(`s${number}`));
  }
  assert.equal((await listOf(api)).entries.length, 127);
  const bulky = { ...team, path: "bulky/app", requested: "bulky/app" };
  const file = (number: number) => api.file(number, `${domain}/bulky/app`);
  await mkdir(dirname(file(1)), { recursive: true });
  for (let number = 1; number <= 127; number++) {
    // as compressed packets would be, a literal's name and date are no part of what is signed
    await writeFile(file(number), messageOf(`${number}-${"x".repeat(32_000)}`));
  }
  await api.signatures.read(bulky, manifest, call);
  const { status, body } = await api.ask(`/extensions/v2/bulky/app/signatures/${manifest}`);
  assert.equal(status, 200);
  assert.ok(body.length <= 4 * 1024 * 1024, `${body.length}`);
  assert.ok(body.length > 3.9 * 1024 * 1024, `${body.length}`);
  assert.ok(api.events.some((event) => "reason" in event && event.reason === "too-many"));
  const more = await put(
    api,
    entryOf(messageOf("x".repeat(40_000))),
    `/extensions/v2/bulky/app/signatures/${manifest}`,
  );
  assert.equal(more.status, 413);
});

test("others' signatures are relayed, those that are none are not, nor other kinds", async () => {
  const other = toyOrigin();
  const { generateKeyPairSync } = await import("node:crypto");
  const pair = generateKeyPairSync("ed25519");
  other.signatures = [
    signatureOf("theirs"),
    { format: "simple-signing", bytes: Buffer.from("<html>") },
    signatureBy({ ...pair } as never, Buffer.from("{}")),
    signatureOf("ours"),
  ];
  await using api = await world({ openOrigins: async () => [other.origin] });
  await put(api, entryOf(messageOf("ours")));
  assert.deepEqual((await listOf(api)).texts, ["ours", "theirs"]);
  assert.deepEqual(
    api.events.filter(({ type }) => type === "signatures-dropped"),
    [
      {
        type: "signatures-dropped",
        reason: "malformed",
        repository: `${domain}/team/app`,
        where: "upstream.test",
        count: 1,
      },
    ],
  );
});

test("nobody is told of no signatures where others could not be asked", async () => {
  const other = toyOrigin();
  other.failure = "GET https://upstream.test: 500";
  await using api = await world({ openOrigins: async () => [other.origin] });
  const { status, body } = await api.ask(path);
  assert.deepEqual([status, JSON.parse(body.toString()).errors[0].code], [503, "UNAVAILABLE"]);
  await put(api, entryOf(messageOf("ours")));
  const ours = await api.ask(path);
  assert.deepEqual([ours.status, /^299 /.test(String(ours.headers.warning))], [200, true]);
  assert.deepEqual((await listOf(api)).texts, ["ours"]);
});

test("the repository is found by path, by ns and by host", async () => {
  const asked: Parameters<RouteRepository>[0][] = [];
  const route: RouteRepository = (from) => {
    asked.push(from);
    if (from.namespace === "evil.test") {
      return new RegistryAnswerError("DENIED", "not served here", { status: 403 });
    }
    const upstream = from.namespace ?? "docker.io";
    return { domain: upstream, path: from.path, requested: from.path, upstream };
  };
  await using api = await world({ route });
  const host = { headers: { host: "hub.test" } };
  await api.ask(`${path}?ns=ghcr.io`, { method: "PUT", ...ann, body: entryOf(messageOf("one")) });
  assert.equal((await api.ask(`${path}?ns=ghcr.io`, host)).body.toString().length > 100, true);
  assert.deepEqual((await listOf(api)).entries, []);
  const found = asked.filter(({ host }) => host === "hub.test");
  assert.deepEqual(found[0], { path: "team/app", namespace: "ghcr.io", host: "hub.test" });
  assert.equal((await api.ask(`${path}?ns=evil.test`)).status, 403);
  assert.equal((await api.ask(api.at(1, "ghcr.io/team/app"))).status, 200);
});
