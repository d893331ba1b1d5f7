import assert from "node:assert/strict";
import { readdir, rm, utimes, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { FolderStore } from "../../../sigstore/lookaside/folder-store.ts";
import { AnswerFiles } from "../../../src/server/signatures/answer-files.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import { tempFolder } from "../../support/temp.ts";
import {
  call,
  domain,
  manifest,
  messageOf,
  signal,
  signatureOf,
  team,
  textsOf,
  toyOrigin,
  type World,
  type WorldOptions,
  world,
} from "./support.ts";

const subject = { repository: `${domain}/team/app`, manifestDigest: manifest };

const read = async ({ signatures }: World) => textsOf(await signatures.read(team, manifest, call));
const revision = ({ signatures }: World) => signatures.revision(team, manifest);

/** A world with another's store, and a clock that is set by hand. */
async function withOrigin(options: WorldOptions = {}) {
  const other = toyOrigin();
  const clock = { now: 1_700_000_000_000 };
  const store = await world({
    openOrigins: async () => [other.origin],
    now: () => clock.now,
    ...options,
  });
  return { other, clock, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

/** Makes what is there look old, so that its times tell it from what comes. */
async function settle({ file }: World, ...numbers: readonly number[]): Promise<void> {
  const then = new Date(Date.now() - 60_000);
  for (const number of numbers) await utimes(file(number), then, then);
  await utimes(dirname(file(1)), then, then);
}

test("add() keeps each once, read() gives ours first and no other's twice", async () => {
  const { other, store } = await withOrigin();
  await using _ = store;
  other.signatures = [signatureOf("theirs"), signatureOf("one"), signatureOf("theirs")];
  const add = (...texts: readonly string[]) =>
    store.signatures.add(
      team,
      manifest,
      texts.map((text) => signatureOf(text)),
      call,
    );
  await add();
  await add("one", "two", "one");
  await add("two");
  assert.deepEqual(await read(store), ["one", "two", "theirs"]);
  assert.deepEqual(textsOf(await store.signatures.readKept(team, manifest, call)), ["one", "two"]);
  await assert.rejects(
    store.signatures.add(
      team,
      manifest,
      [{ format: "simple-signing", bytes: Buffer.from("x") }],
      call,
    ),
    { code: "signature.malformed" },
  );
  for (const path of ["..", "a/../b", "", "A", "a//b", "a@b"]) {
    const outside = { ...team, path };
    await assert.rejects(store.signatures.read(outside, manifest, call), RegistryAnswerError);
    assert.throws(() => store.signatures.revision(outside, manifest), RegistryAnswerError);
  }
});

test("others are asked once by many, and again once that is no longer fresh", async () => {
  const { other, clock, store } = await withOrigin({ freshForMs: 60_000 });
  await using _ = store;
  other.signatures = [signatureOf("theirs")];
  await Promise.all(Array.from({ length: 20 }, () => read(store)));
  clock.now += 59_999;
  assert.deepEqual(await read(store), ["theirs"]);
  assert.equal(other.asked, 1);
  other.signatures = [];
  clock.now += 1;
  assert.deepEqual(await read(store), []);
  assert.equal(other.asked, 2);
});

test("a failure is told, and what was said before stands in for it for as long as is set", async () => {
  const { other, clock, store } = await withOrigin({ freshForMs: 1000, heldForMs: 60_000 });
  await using _ = store;
  other.failure = "no route to upstream.test";
  const failure = { message: "no route to upstream.test" };
  await assert.rejects(read(store), failure);
  await assert.rejects(read(store), failure);
  assert.equal(other.asked, 1, "who asks at once after a failure is told of that one");
  assert.deepEqual(await store.signatures.readKept(team, manifest, call), []);
  clock.now += 5000;
  other.failure = "";
  other.signatures = [signatureOf("theirs")];
  assert.deepEqual(await read(store), ["theirs"]);
  other.failure = "down";
  clock.now += 5000;
  assert.deepEqual(await read(store), ["theirs"]);
  clock.now += 60_000;
  await assert.rejects(read(store), { message: "down" });
  assert.deepEqual(
    store.events.flatMap((event) => (event.type === "signatures-asked" ? [event.result] : [])),
    ["failed", "answered", "held", "failed"],
  );
});

test("what others said stands in after a start, too, and an answer of none is none", async () => {
  await using folder = await tempFolder();
  const memory = () => new AnswerFiles(folder.in("others"));
  const { other, clock, store } = await withOrigin({ memory: memory(), heldForMs: 3_600_000 });
  await using _ = store;
  other.signatures = [signatureOf("theirs")];
  assert.deepEqual(await read(store), ["theirs"]);
  await store.signatures.readBundles(team, manifest, call);
  other.failure = "down";
  const again = (options: WorldOptions = {}) =>
    world({
      openOrigins: async () => [other.origin],
      now: () => clock.now,
      heldForMs: 3_600_000,
      memory: memory(),
      ...options,
    });
  await using started = await again();
  assert.deepEqual(await read(started), ["theirs"]);
  other.failure = "";
  clock.now += 3_000_000;
  await using unchanged = await again();
  await read(unchanged);
  other.failure = "down";
  clock.now += 3_000_000;
  await using later = await again();
  assert.deepEqual(await read(later), ["theirs"], "its time goes on with each answer");
  clock.now += 3_600_000;
  await assert.rejects(read(later), { message: "down" });
  other.failure = "";
  other.signatures = [];
  await using empty = await again();
  assert.deepEqual(await read(empty), []);
  other.failure = "down";
  await using last = await again();
  assert.deepEqual(await read(last), [], "that there is none was said");
  const offline = { ...other.origin, offline: true };
  clock.now += 86_400_000;
  other.signatures = [signatureOf("new")];
  const { asked } = other;
  await using cut = await again({ openOrigins: async () => [offline] });
  assert.deepEqual(await read(cut), []);
  assert.equal(other.asked, asked, "nobody asks who is not to be asked");
});

test("an origin that is not to be asked has what it said last", async () => {
  await using folder = await tempFolder();
  const memory = new AnswerFiles(folder.path);
  const { other, store } = await withOrigin({ memory });
  await using _ = store;
  other.signatures = [signatureOf("theirs")];
  await read(store);
  const offline = { ...other.origin, offline: true };
  await using cut = await world({ openOrigins: async () => [offline], memory });
  assert.deepEqual(await read(cut), ["theirs"]);
  await memory.prune(Date.now() - 60_000);
  await using still = await world({ openOrigins: async () => [offline], memory });
  assert.deepEqual(await read(still), ["theirs"]);
  await memory.prune(Date.now() + 60_000);
  await using gone = await world({ openOrigins: async () => [offline], memory });
  assert.deepEqual(await read(gone), []);
});

test("files of others' answers that cannot be read are as none", async () => {
  await using folder = await tempFolder();
  const memory = new AnswerFiles(folder.path);
  const answer = { items: [Buffer.from("x")], at: 5 };
  await memory.remember("key", answer);
  assert.deepEqual(await memory.recall("key"), answer);
  const [name = ""] = (await readdir(folder.path, { recursive: true })).filter((one) =>
    one.endsWith(".json"),
  );
  for (const text of ["", "{", '{"key":"other","at":1,"items":[]}', '{"key":"key","items":[1]}']) {
    await writeFile(folder.in(name), text);
    assert.equal(await memory.recall("key"), undefined, text);
  }
  await new AnswerFiles("/proc/none").remember("key", answer);
});

test("an origin that does not answer fails in time, and who leaves leaves alone", async () => {
  const { other, store } = await withOrigin({ timeoutMs: 50 });
  await using _ = store;
  other.origin.read = (_manifest, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const leaving = new AbortController();
  const left = store.signatures.read(team, manifest, { signal: leaving.signal });
  const stays = read(store);
  leaving.abort(new Error("left"));
  await assert.rejects(left, { message: "left" });
  await assert.rejects(stays, {
    code: "signature.store-failed",
    message: "reading signatures from upstream.test: no answer in time",
  });
});

test("several sources are one list, and one that fails fails them all", async () => {
  const [first, second] = [toyOrigin("first.test"), toyOrigin("second.test")];
  first.signatures = [signatureOf("a"), signatureOf("b")];
  second.signatures = [signatureOf("b"), signatureOf("c")];
  await using store = await world({ openOrigins: async () => [first.origin, second.origin] });
  assert.deepEqual(await read(store), ["a", "b", "c"]);
  const other = { ...team, path: "team/other" };
  second.failure = "down";
  await assert.rejects(store.signatures.read(other, manifest, call), { message: "down" });
  const bundles = await store.signatures.readBundles(team, manifest, call);
  assert.deepEqual(bundles.map(String), ["a bundle"], "each once");
});

test("revision() changes with our own signatures, whoever changes them", async () => {
  await using store = await world();
  const none = revision(store);
  assert.equal(revision(store), none);
  await store.signatures.add(team, manifest, [signatureOf("one")], call);
  await settle(store, 1);
  const one = revision(store);
  assert.notEqual(one, none);
  assert.equal(revision(store), one);
  const process2 = new FolderStore(store.folder.in("signatures", domain));
  await process2.append(subject, [signatureOf("two")], call);
  await settle(store, 1, 2);
  const two = revision(store);
  assert.notEqual(two, one);
  assert.deepEqual(await read(store), ["one", "two"]);
  await writeFile(store.file(2), messageOf("three")); // in place, as the reference does
  const three = revision(store);
  assert.notEqual(three, two);
  assert.deepEqual(await read(store), ["one", "three"]);
  await rm(store.file(2));
  await settle(store, 1);
  assert.ok(![none, one, two, three].includes(revision(store)));
  assert.deepEqual(await read(store), ["one"]);
  const before = revision(store);
  store.signatures.touched(team, manifest);
  assert.notEqual(revision(store), before);
});

test("revision() changes with what others were seen to have", async () => {
  const { other, clock, store } = await withOrigin({ freshForMs: 1000 });
  await using _ = store;
  await read(store);
  const none = revision(store);
  clock.now += 1000;
  await read(store);
  assert.equal(revision(store), none);
  other.signatures = [signatureOf("theirs")];
  clock.now += 1000;
  await read(store);
  const one = revision(store);
  assert.notEqual(one, none);
  clock.now += 1000;
  await read(store);
  assert.equal(revision(store), one);
});

test("a folder that changes while it is read is read again", async () => {
  await using store = await world();
  const other = new FolderStore(store.folder.in("signatures", domain));
  const stays = ["a", "b", "c"];
  await other.append(
    subject,
    stays.map((text) => signatureOf(text)),
    call,
  );
  const changes = (async () => {
    for (let round = 0; round < 4; round++) {
      await other.append(subject, [signatureOf(`x${round}`)], call);
      await other.remove(subject, 1, { signal });
      await other.append(subject, [signatureOf("b")], call);
    }
  })();
  let done = false;
  const reading = (async () => {
    while (!done) {
      await setImmediate(); // what is known is read without waiting
      const texts = await read(store);
      assert.equal(new Set(texts).size, texts.length);
      assert.ok(texts.includes("a") && texts.includes("c"), texts.join());
    }
  })();
  await changes.finally(() => {
    done = true;
  });
  await reading;
});
