import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import type { RawManifest } from "../../../src/core/manifest.ts";
import type { RegistryStore } from "../../../src/server/store/registry-store.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import { everyStep } from "../../support/faults.ts";
import { randomBytesOf } from "../../support/random.ts";
import { type DiskFailure, failDisk } from "../../support/server/failing-disk.ts";
import {
  blobAt,
  bodyOf,
  callBy,
  imageOf,
  manifestAt,
  openTestStore,
  pushBlob,
  pushImage,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const soak = process.env["AMPHORA_SOAK"] === "1";
const app = repositoryAt("team/app");
const base = repositoryAt("base");
const upstream = repositoryAt("library/alpine", "docker.io");
const config = Buffer.from("{}");
const layer = randomBytesOf(1, 30_000);
const cached = randomBytesOf(2, 30_000);
const sharedLayer = Buffer.from("layer a".repeat(100));
const image = imageOf(config, [layer, sharedLayer]);

/** Files in the folder that this process has open. */
function openIn(folder: TempFolder): string[] {
  const open = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // the one that the list was read by
    }
  });
  return open.filter((path) => path.startsWith(folder.path));
}

/** Something of everything; `said` holds what was acknowledged. */
async function pushSomething(store: RegistryStore, said: Set<string>): Promise<void> {
  const begun = await store.beginUpload(app, { type: "new" }, callBy());
  assert.ok(begun.type === "open");
  const { id } = begun.upload;
  await store.appendUpload(app, id, { body: bodyOf(layer.subarray(0, 9_000)) }, callBy());
  const end = { body: bodyOf(layer.subarray(9_000)), digest: digestOf(layer) };
  await store.finishUpload(app, id, end, callBy());
  said.add("layer");
  await pushBlob(store, app, config);
  const mount = { type: "mount", digest: digestOf(sharedLayer), from: base } as const;
  assert.equal((await store.beginUpload(app, mount, callBy())).type, "mounted");
  await store.putManifest(app, { manifest: image, tags: ["new", "latest"] }, callBy());
  said.add("image");
  await fillCache(store);
  said.add("cached");
  await store.cache.keepManifest(upstream, image, { tags: ["3"], checkedAt: 1 });
  await store.deleteManifest(base, { type: "tag", tag: "second" }, callBy());
  said.add("deleted");
  await store.flush();
  await store.collectGarbage();
}

async function fillCache(store: RegistryStore): Promise<void> {
  const begun = await store.cache.beginFill(upstream, digestOf(cached), cached.byteLength);
  assert.ok(begun !== "held");
  await using fill = begun;
  await fill.append(cached.subarray(0, 10_000));
  await fill.append(cached.subarray(10_000));
  await fill.finish();
}

function assertNoWrongBlob(folder: TempFolder): void {
  for (const entry of readdirSync(folder.path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\/sha256$/.test(entry.parentPath)) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    assert.equal(createHash("sha256").update(bytes).digest("hex"), entry.name);
  }
}

async function assertKept(store: RegistryStore, before: RawManifest, said: ReadonlySet<string>) {
  assert.deepEqual(await manifestAt(store, base, "first"), before);
  assert.deepEqual(await blobAt(store, base, digestOf(sharedLayer)), sharedLayer);
  if (said.has("layer")) assert.deepEqual(await blobAt(store, app, digestOf(layer)), layer);
  const tagged = await manifestAt(store, app, "new");
  assert.equal(tagged?.digest, (await manifestAt(store, app, "latest"))?.digest);
  if (said.has("image")) assert.deepEqual(tagged, image);
  if (tagged !== undefined) {
    for (const bytes of [config, layer, sharedLayer]) {
      assert.deepEqual(await blobAt(store, app, digestOf(bytes)), bytes);
    }
  }
  if (said.has("deleted")) assert.equal(await manifestAt(store, base, "second"), undefined);
  else assert.ok(await manifestAt(store, base, before.digest));
}

function assertTold(error: unknown, failure: DiskFailure): void {
  assert.ok(error instanceof RegistryAnswerError, String((error as Error)?.stack ?? error));
  assert.equal(error.status, failure === "EIO" ? 503 : 507);
}

async function attempt(nth: number, failure: DiskFailure): Promise<"failed" | "through"> {
  await using folder = await tempFolder();
  const said = new Set<string>();
  let before: RawManifest;
  let failed = false;
  {
    await using store = await openTestStore(folder.path);
    before = await pushImage(store, base, ["first", "second"], "a");
    {
      using disk = await failDisk(nth, failure);
      await pushSomething(store, said).catch((error: unknown) => assertTold(error, failure));
      failed = disk.failed();
    }
    await assertKept(store, before, said);
    assertNoWrongBlob(folder);
    await pushImage(store, base, ["afterwards"], "b");
  }
  assert.deepEqual(openIn(folder), []);
  await using store = await openTestStore(folder.path);
  await assertKept(store, before, said);
  assertNoWrongBlob(folder);
  assert.ok(await manifestAt(store, base, "afterwards"));
  return failed ? "failed" : "through";
}

for (const [failure, sample] of [
  ["ENOSPC", 19],
  ["EIO", 53],
] as const) {
  test(`${failure} at any step loses nothing that was acknowledged, and shows nothing wrong`, async (t) => {
    const steps = await everyStep((nth) => attempt(nth, failure), soak ? {} : { sample });
    t.diagnostic(`${steps} steps`);
  });
}

test("A request that finds the disk full takes nothing of it, and leaves what others have brought", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const begun = await store.beginUpload(app, { type: "new" }, callBy());
  assert.ok(begun.type === "open");
  const { id } = begun.upload;
  await store.appendUpload(app, id, { body: bodyOf(layer.subarray(0, 5_000)) }, callBy());
  for (let nth = 0, failed = true; failed; nth++) {
    using disk = await failDisk(nth, "ENOSPC");
    const piece = { body: bodyOf(layer.subarray(5_000)), range: { first: 5_000, last: 29_999 } };
    const { size } = await store.appendUpload(app, id, piece, callBy()).catch(async (error) => {
      assertTold(error, "ENOSPC");
      return { size: (await store.readUpload(app, id, callBy()))?.size };
    });
    failed = disk.failed();
    assert.equal(size, failed ? 5_000 : 30_000);
  }
  const end = { body: bodyOf(new Uint8Array()), digest: digestOf(layer) };
  await store.finishUpload(app, id, end, callBy());
  assert.deepEqual(await blobAt(store, app, digestOf(layer)), layer);
});

test("Where a file system has no hard links, or no more of them, blobs are copied", async () => {
  for (const code of ["EPERM", "EMLINK", "EOPNOTSUPP"]) {
    await using folder = await tempFolder();
    {
      await using store = await openTestStore(folder.path);
      {
        using _ = withoutLinks(code);
        await pushImage(store, base, ["v1"], "a");
        const mount = { type: "mount", digest: digestOf(sharedLayer), from: base } as const;
        assert.equal((await store.beginUpload(app, mount, callBy())).type, "mounted");
        await pushSomethingSmall(store);
        await store.collectGarbage();
      }
      for (const repository of [app, base]) {
        assert.deepEqual(await blobAt(store, repository, digestOf(sharedLayer)), sharedLayer);
      }
      assert.ok(await manifestAt(store, base, "v1"));
      assert.deepEqual(await blobAt(store, app, digestOf(layer)), layer);
    } // closed, it writes no index any more
    assert.deepEqual(readdirSync(folder.in("uploads")), []);
    assertNoWrongBlob(folder);
  }
});

/** The same blob twice. */
async function pushSomethingSmall(store: RegistryStore): Promise<void> {
  await pushBlob(store, app, layer);
  await pushBlob(store, app, layer);
}

/** As if node:fs could make no hard links. */
function withoutLinks(code: string): Disposable {
  const { link } = promises;
  promises.link = () =>
    Promise.reject(Object.assign(new Error(`${code}: made to fail`), { code, syscall: "link" }));
  syncBuiltinESMExports();
  return {
    [Symbol.dispose]() {
      promises.link = link;
      syncBuiltinESMExports();
    },
  };
}
