import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import type { UpstreamStore } from "../../../src/server/upstream/store.ts";
import type { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import { RegistryAnswerError as AnswerError } from "../../../src/server/v2/answer-error.ts";
import { makeImage } from "../../support/images.ts";
import {
  cutResponse,
  type Fault,
  flipByte,
  longBody,
  refuse,
  shortBody,
  stallResponse,
} from "../../support/registry/faults.ts";
import { bodyBytes } from "../../support/registry/reply.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { tempFolder } from "../../support/temp.ts";
import { pushBlob } from "./pushing.ts";
import {
  byTag,
  readBlob,
  repositoryOf,
  startUpstreams,
  type TestUpstreams,
  testCall,
} from "./support.ts";

const image = makeImage({ layers: 1, layerBytes: 700_000, compression: "none" });
const layer = image.layers[0]?.digest as Digest;
const bytes = Buffer.from(image.blobs.get(layer) ?? []);

async function holding(path = "app"): Promise<Registry> {
  const registry = await startRegistry();
  registry.seed(path, "v1", image);
  return registry;
}

function rangesOf(registry: Registry): (string | undefined)[] {
  return registry.log.of("GET blob").map(({ headers }) => headers.range);
}

/** As clients do: what a manifest names has a known size. */
async function knowImage(world: TestUpstreams): Promise<void> {
  assert.ok(await world.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall()));
}

test("fifty readers of one blob cost its upstream one GET, and each gets all of it", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin);
  await knowImage(world);
  const readers = Array.from({ length: 50 }, () => readBlob(world.upstreams, layer));
  for (const read of await Promise.all(readers)) assert.ok(read?.equals(bytes));
  assert.equal(registry.log.of("GET blob").length, 1);
});

test("what breaks off on the way goes on where it was, unseen by the reader", async () => {
  await using registry = await holding();
  const soak = process.env["AMPHORA_SOAK"] === "1";
  const everywhere = Array.from({ length: Math.ceil(bytes.byteLength / 4096) }, (_, k) => k * 4096);
  const places = soak ? everywhere : [0, 1, 65_536, 350_000];
  for (const at of [...places, bytes.byteLength - 1]) {
    await using world = await startUpstreams(registry.origin);
    await knowImage(world);
    registry.log.clear();
    registry.behave({ on: "GET blob", fault: cutResponse(at, at % 2 === 0 ? "reset" : "close") });
    assert.ok((await readBlob(world.upstreams, layer))?.equals(bytes), `cut at ${at}`);
    assert.equal(registry.log.of("GET blob").length, 2);
  }
});

test("an upstream that stalls is asked again", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin, {}, { timeouts: { readIdleMs: 300 } });
  await knowImage(world);
  registry.behave({ on: "GET blob", fault: stallResponse(100_000) });
  assert.ok((await readBlob(world.upstreams, layer))?.equals(bytes));
  assert.equal(registry.log.of("GET blob").length, 2);
});

const lies: readonly (readonly [string, Fault])[] = [
  ["a wrong byte at its start", flipByte(0)],
  ["a wrong byte in its middle", flipByte(300_000)],
  ["a wrong byte at its end", flipByte(bytes.byteLength - 1)],
  ["too few bytes", shortBody(1)],
  ["too many bytes", longBody(5)],
];
for (const [what, fault] of lies) {
  test(`a blob with ${what} is given to nobody whole, and not kept`, async () => {
    await using registry = await holding();
    await using world = await startUpstreams(registry.origin);
    await knowImage(world);
    registry.behave({ on: "GET blob", times: 100, fault });
    const readers = [0, 1, 2].map(() => receivedOf(world, layer));
    for (const { received, error } of await Promise.all(readers)) {
      assert.ok(received <= bytes.byteLength - 64 * 1024, `${received} bytes`);
      assert.equal(error.status, 502);
    }
    assert.equal(await world.store.statBlob(repositoryOf(), layer, testCall()), undefined);
    registry.behaveWell();
    assert.ok((await readBlob(world.upstreams, layer))?.equals(bytes));
  });
}

async function receivedOf(
  { upstreams }: TestUpstreams,
  digest: Digest,
): Promise<{ received: number; error: RegistryAnswerError }> {
  let received = 0;
  try {
    const opened = await upstreams.openBlob(repositoryOf(), digest, testCall());
    assert.ok(opened);
    await using blob = opened;
    const all = { start: 0, end: blob.size };
    for await (const chunk of blob.read(all, testCall().signal)) received += chunk.byteLength;
  } catch (error) {
    assert.ok(error instanceof AnswerError);
    return { received, error };
  }
  throw new Error("it was given whole");
}

test("HEAD is answered by what a manifest says, and else by the upstream", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin);
  const { upstreams } = world;
  const stat = () => upstreams.statBlob(repositoryOf(), layer, testCall());
  assert.deepEqual(await stat(), { size: bytes.byteLength });
  assert.equal(registry.log.of("HEAD blob").length, 1);
  await knowImage(world);
  assert.deepEqual(await stat(), { size: bytes.byteLength });
  assert.equal(registry.log.of("HEAD blob").length, 1);
});

test("what is not there is asked for once in half a minute", async () => {
  await using registry = await holding("other");
  await using world = await startUpstreams(registry.origin);
  for (let count = 0; count < 3; count++) {
    assert.equal(await readBlob(world.upstreams, layer), undefined);
    assert.equal(await world.upstreams.statBlob(repositoryOf(), layer, testCall()), undefined);
  }
  assert.equal(registry.log.of("GET blob").length, 1);
  world.pass(31_000);
  assert.equal(await readBlob(world.upstreams, layer), undefined);
  assert.equal(registry.log.of("GET blob").length, 2);
});

test("a failing upstream's answer is told", async () => {
  await using registry = await holding();
  const rows = [
    [403, 403, "DENIED"],
    [401, 403, "DENIED"],
    [500, 503, "UNAVAILABLE"],
    [429, 429, "TOOMANYREQUESTS"],
  ] as const;
  for (const [status, told, code] of rows) {
    await using world = await startUpstreams(registry.origin);
    registry.behave({ on: "GET blob", times: 20, fault: refuse(status, { retryAfter: 60 }) });
    await assert.rejects(readBlob(world.upstreams, layer), { status: told, code }, String(status));
    registry.behaveWell();
  }
});

const big = makeImage({ seed: 7, layers: 1, layerBytes: 20_000_000, compression: "none" });
const bigLayer = big.layers[0]?.digest as Digest;
const bigBytes = Buffer.from(big.blobs.get(bigLayer) ?? []);

test("a range far ahead of what is there goes past the cache; a near one is waited for", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", big);
  await using world = await startUpstreams(registry.origin);
  await knowImage(world);
  const far = { start: 15_000_000, end: 15_000_100 };
  assert.ok(
    (await readBlob(world.upstreams, bigLayer, far))?.equals(bigBytes.subarray(far.start, far.end)),
  );
  assert.deepEqual(rangesOf(registry), ["bytes=15000000-15000099"]);
  assert.equal(await world.store.statBlob(repositoryOf(), bigLayer, testCall()), undefined);
  const near = { start: 5_000_000, end: 6_000_000 };
  assert.ok(
    (await readBlob(world.upstreams, bigLayer, near))?.equals(
      bigBytes.subarray(near.start, near.end),
    ),
  );
  assert.deepEqual(rangesOf(registry).slice(1), [undefined]);
});

test("a range behind the end, far ahead of what is there, is told the blob's size", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", big);
  await using world = await startUpstreams(registry.origin);
  for (const isKnown of [false, true]) {
    if (isKnown) await knowImage(world);
    const call = { ...testCall(), range: { start: 30_000_000, end: 30_000_100 } };
    await using blob = await world.upstreams.openBlob(repositoryOf(), bigLayer, call);
    assert.equal(blob?.size, bigBytes.byteLength);
  }
});

/** Reads so far, and leaves. */
async function readAndLeave({ upstreams }: TestUpstreams, least: number): Promise<void> {
  const opened = await upstreams.openBlob(repositoryOf(), bigLayer, testCall());
  assert.ok(opened);
  await using blob = opened;
  let seen = 0;
  for await (const chunk of blob.read({ start: 0, end: blob.size }, testCall().signal)) {
    seen += chunk.byteLength;
    if (seen >= least) return;
  }
}

test("a blob that nobody reads any more is kept half, and continued, by another process too", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", big);
  await using folder = await tempFolder();
  await using world = await startUpstreams(registry.origin, {}, { folder });
  await knowImage(world);
  registry.behave({ on: "GET blob", fault: stallResponse(2_000_000) });
  await readAndLeave(world, 1_000_000);
  await world.restart();
  assert.ok((await readBlob(world.upstreams, bigLayer))?.equals(bigBytes));
  const [first, second] = rangesOf(registry);
  assert.equal(first, undefined);
  assert.match(second ?? "", /^bytes=[1-9]\d{5,6}-$/);
});

test("a blob whose reader has left before its upstream answers is not fetched for nobody", {
  timeout: 300_000,
}, async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", big);
  await using world = await startUpstreams(registry.origin);
  await knowImage(world);
  const asked = Promise.withResolvers<void>();
  const mayAnswer = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<"all" | "some">();
  async function* sending(bytes: AsyncIterable<Uint8Array>) {
    try {
      yield* bytes;
      sent.resolve("all");
    } finally {
      sent.resolve("some");
    }
  }
  const late: Fault = {
    async reply(reply) {
      asked.resolve();
      await mayAnswer.promise;
      return { ...reply, body: sending(bodyBytes(reply.body)) };
    },
  };
  registry.behave({ on: "GET blob", fault: late });
  const reader = new AbortController();
  const opened = world.upstreams.openBlob(repositoryOf(), bigLayer, testCall(reader.signal));
  await asked.promise;
  reader.abort();
  await assert.rejects(opened);
  mayAnswer.resolve();
  assert.equal(await sent.promise, "some");
  assert.equal(registry.log.of("GET blob").length, 1);
  assert.equal(await world.store.statBlob(repositoryOf(), bigLayer, testCall()), undefined);
  assert.ok((await readBlob(world.upstreams, bigLayer))?.equals(bigBytes));
});

test("a blob of which much is there is fetched to its end, whoever reads it", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", big);
  await using world = await startUpstreams(registry.origin);
  await knowImage(world);
  await readAndLeave(world, 8_000_000);
  await untilHeld(world, bigLayer);
  assert.equal(registry.log.of("GET blob").length, 1);
});

/** A reader has all of a blob before it is kept. */
async function untilHeld({ store }: TestUpstreams, digest: Digest): Promise<void> {
  const held = () => store.statBlob(repositoryOf(), digest, testCall());
  for (let turn = 0; turn < 2000 && !(await held()); turn++) {
    await setTimeout(10);
  }
  assert.ok(await held());
}

/** A store whose disk is full once a fill holds so many bytes. */
function fullAt(limit: number) {
  return (store: UpstreamStore): UpstreamStore => {
    const cache = new Proxy(store.cache, {
      get(target, name) {
        if (name !== "beginFill") return Reflect.get(target, name).bind(target);
        return async (...asked: Parameters<typeof target.beginFill>) => {
          if (limit < 0) throw noSpace();
          const fill = await target.beginFill(...asked);
          if (fill === "held") return fill;
          const append = fill.append.bind(fill);
          fill.append = async (chunk) => {
            if (fill.size + chunk.byteLength > limit) throw noSpace();
            await append(chunk);
          };
          return fill;
        };
      },
    });
    return new Proxy(store, {
      get(target, name) {
        if (name === "cache") return cache;
        const member = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
  };
}

function noSpace(): AnswerError {
  return new AnswerError("UNAVAILABLE", "no space left", { status: 507 });
}

for (const limit of [-1, 0, 400_000, bytes.byteLength - 1]) {
  test(`a disk that is full at ${limit} bytes keeps nobody from reading, and no wrong blob goes by`, async () => {
    await using registry = await holding();
    await using world = await startUpstreams(registry.origin, {}, { wrap: fullAt(limit) });
    await knowImage(world);
    const readers = [0, 1, 2].map(() => readBlob(world.upstreams, layer));
    for (const read of await Promise.all(readers)) assert.ok(read?.equals(bytes));
    const part = { start: 600_000, end: 600_010 };
    assert.ok(
      (await readBlob(world.upstreams, layer, part))?.equals(bytes.subarray(600_000, 600_010)),
    );
    registry.behave({ on: "GET blob", times: 100, fault: flipByte(100) });
    const { received, error } = await receivedOf(world, layer);
    assert.equal(error.status, 502);
    assert.ok(received < bytes.byteLength);
  });
}

test("a blob of another repository's is given only where the upstream has it in this one", async () => {
  await using registry = await holding("team-a/app");
  registry.seed("team-b/app", "v1", { blobs: image.blobs, manifests: [] });
  await using world = await startUpstreams(registry.origin);
  const { upstreams } = world;
  const read = (path: string) => readBlob(upstreams, layer, undefined, repositoryOf(path));
  assert.ok(await read("team-a/app"));
  assert.equal(await read("team-c/app"), undefined);
  assert.equal(await upstreams.statBlob(repositoryOf("team-c/app"), layer, testCall()), undefined);
  assert.ok((await read("team-b/app"))?.equals(bytes));
});

test("an upstream that says it has a blob does not get at what others keep here", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin);
  const { store, upstreams } = world;
  const secret = Buffer.from("nobody else's business");
  const digest = digestOf(secret);
  const own = { ...repositoryOf("secret"), domain: "registry.example", upstream: undefined };
  await pushBlob(store, own, { digest, bytes: secret });
  const lie = Buffer.alloc(secret.byteLength);
  const headers = { "content-length": String(lie.byteLength) };
  registry.behave({
    on: "GET blob",
    times: 100,
    fault: { arrive: () => ({ status: 200, headers, body: lie }) },
  });
  await assert.rejects(readBlob(upstreams, digest));
});

test("offline, what is held is served and nothing asked", async () => {
  await using registry = await holding();
  await using folder = await tempFolder();
  {
    await using world = await startUpstreams(registry.origin, {}, { folder });
    await knowImage(world);
    await readBlob(world.upstreams, layer);
  }
  registry.log.clear();
  await using world = await startUpstreams(registry.origin, { offline: true }, { folder });
  world.pass(3_600_000);
  assert.ok((await readBlob(world.upstreams, layer))?.equals(bytes));
  const held = await world.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall());
  assert.equal(held?.digest, image.digest);
  assert.ok((held?.stale?.ageSeconds ?? 0) >= 3600);
  const config = image.config?.digest as Digest;
  assert.equal(await readBlob(world.upstreams, config), undefined);
  assert.deepEqual(
    (await world.upstreams.listTags(repositoryOf(), { limit: 10 }, testCall()))?.names,
    ["v1"],
  );
  assert.equal(registry.log.entries.length, 0);
});

test("what was used least lately makes room, and is fetched again where it is asked for", async () => {
  await using registry = await startRegistry();
  const images = [1, 2, 3].map((seed) =>
    makeImage({ seed: 60 + seed, layers: 1, layerBytes: 300_000, compression: "none" }),
  );
  for (const [index, one] of images.entries()) registry.seed("app", `v${index}`, one);
  const limits = { maxBytes: 700_000, low: 0.5, minAge: 0 };
  await using world = await startUpstreams(registry.origin, {}, { cache: limits });
  const pull = async (index: number) => {
    const { upstreams } = world;
    const held = await upstreams.readManifest(repositoryOf(), byTag(`v${index}`), testCall());
    assert.equal(held?.digest, images[index]?.digest);
    const digest = images[index]?.layers[0]?.digest as Digest;
    const expected = images[index]?.blobs.get(digest) ?? Buffer.of();
    assert.ok((await readBlob(upstreams, digest))?.equals(expected));
    await untilHeld(world, digest);
    world.pass(11_000);
  };
  for (const index of [0, 1, 2]) await pull(index);
  const cached = async () => (await world.store.health()).cachedBytes;
  // Room is made after it is kept.
  const low = limits.maxBytes * limits.low;
  for (let turn = 0; turn < 2000 && (await cached()) > low; turn++) {
    await setTimeout(10);
  }
  assert.ok((await cached()) <= low);
  await pull(0);
  assert.equal(registry.log.of("GET blob").length, 4);
});
