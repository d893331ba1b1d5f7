import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../src/core/digest.ts";
import { type RawManifest, readRawManifest } from "../src/core/manifest.ts";
import { mediaTypes } from "../src/core/media-type.ts";
import type { ServedRepository } from "../src/server/repository-name.ts";
import { openRegistryStore } from "../src/server/store/open-store.ts";
import type { RegistryStore } from "../src/server/store/registry-store.ts";

// What a push and a page of tags cost a store at 100 tags and at 50,000: `node bench/store-tags.ts [FOLDER]`. Times are
// medians, in microseconds; the ratios are what counts.

const repository: ServedRepository = {
  ...{ domain: "localhost:5000", path: "bench", requested: "bench", upstream: undefined },
};
const call = {
  caller: { user: undefined, address: "127.0.0.1" },
  signal: new AbortController().signal,
};
const config = Buffer.from("{}");

function manifest(name: string): RawManifest {
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociEmpty, digest: digestOf(config), size: 2 },
      layers: [],
      annotations: { name },
    }),
  );
  return readRawManifest(bytes);
}

async function pushConfig(store: RegistryStore): Promise<void> {
  const begun = await store.beginUpload(repository, { type: "new" }, call);
  if (begun.type !== "open") throw new Error("mounted?");
  const body = (async function* () {
    yield config;
  })();
  await store.finishUpload(
    ...([repository, begun.upload.id, { body, digest: digestOf(config) }, call] as const),
  );
}

async function median(times: number, work: (n: number) => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let n = 0; n < times; n++) {
    const began = performance.now();
    await work(n);
    taken.push(performance.now() - began);
  }
  taken.sort((a, b) => a - b);
  return 1000 * (taken[times >> 1] ?? 0);
}

async function measure(parent: string, tags: number): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(parent, "amphora-bench-"));
  try {
    await using store = await openRegistryStore(folder, {
      domain: "localhost:5000",
      now: Date.now,
    });
    await pushConfig(store);
    for (let n = 0; n < tags; n++) {
      // every image one of its own: many tags of one would be another case
      await store.cache.keepManifest(repository, manifest(`${n}`), {
        ...{ tags: [`tag-${String(n).padStart(6, "0")}`], checkedAt: 1 },
      });
    }
    await store.flush();
    const put = (n: number) =>
      store.putManifest(repository, { manifest: manifest(`put ${n}`), tags: [`z-${n}`] }, call);
    const page = (n: number) =>
      store.listTags(repository, { limit: 100, last: `tag-${n % 50}` }, call);
    const tag = { type: "tag", tag: "tag-000007" } as const;
    return {
      put: await median(300, put),
      page: await median(1000, page),
      read: await median(5000, () => store.readManifest(repository, tag, call)),
      flush: await median(3, async (n) => {
        await put(1000 + n);
        await store.flush();
      }),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const parent = process.argv[2] ?? tmpdir();
const few = await measure(parent, 100);
const many = await measure(parent, 50_000);
for (const name of Object.keys(few)) {
  const [a = 0, b = 0] = [few[name], many[name]];
  console.log(
    `${name}: ${a.toFixed(1)} µs at 100 tags, ${b.toFixed(1)} at 50,000: ${(b / a).toFixed(2)} times`,
  );
}
