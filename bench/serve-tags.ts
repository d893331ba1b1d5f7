import { digestOf } from "../src/core/digest.ts";
import { readRawManifest } from "../src/core/manifest.ts";
import { openRegistryStore } from "../src/server/store/open-store.ts";
import { call } from "../test/support/server/client.ts";
import { median } from "./report.ts";
import type { ServeCase } from "./serve-cases.ts";
import { hostedImage, manifestOver, pushImage, putManifest } from "./serve-content.ts";
import type { ServeWorld } from "./serve-world.ts";

const repository = "bench/tags";
const domain = "localhost:5000";
const image = hostedImage([2000]);

/** What a push and a page cost over HTTP, with as many tags as there are and with 100. */
export const tagsCase: ServeCase = async (world, { tags, runs, quick }) => {
  const few = await serverWith(world, 100);
  const many = await serverWith(world, tags);
  const samples = { put: [[], []], page: [[], []] } as Record<string, [number[], number[]]>;
  const times = quick ? 40 : 150;
  for (let run = 0; run <= runs; run++) {
    for (const [at, { port }] of [many, few].entries()) {
      const put = await middle(times, (n) =>
        putManifest(
          port,
          repository,
          `new-${run}-${n}`,
          manifestOver(image.config, image.layers, `${run} ${n}`),
        ),
      );
      const page = await middle(times, async (n) => {
        const query = `n=100&last=tag-0000${10 + (n % 80)}`;
        await call(`http://127.0.0.1:${port}`, "GET", `/v2/${repository}/tags/list?${query}`);
      });
      if (run === 0) continue; // the first is to warm up
      samples["put"]?.[at]?.push(put);
      samples["page"]?.[at]?.push(page);
    }
  }
  const row = (name: string, [ours, theirs] = [[], []] as [number[], number[]]) =>
    ({
      ...{ name: `${name}, ${tags} tags (other: 100)`, unit: "ms", ours, theirs },
      goal: { of: "ratio", atMost: 2 },
    }) as const;
  return [row("manifest PUT", samples["put"]), row("tags/list of 100", samples["page"])];
};

/** The store is filled before the server opens it: that many pushes are not what is measured. */
async function serverWith(world: ServeWorld, tags: number) {
  const folder = await world.folder();
  {
    await using store = await openRegistryStore(`${folder}/data`, { domain, now: Date.now });
    const at = { domain, path: repository, requested: repository, upstream: undefined };
    for (let n = 0; n < tags; n++) {
      const bytes = Buffer.from(manifestOver(image.config, image.layers, `tag ${n}`));
      await store.cache.keepManifest(at, readRawManifest(bytes, { digest: digestOf(bytes) }), {
        tags: [`tag-${String(n).padStart(6, "0")}`],
        checkedAt: 1,
      });
    }
    await store.flush();
  }
  const server = await world.amphora("log: {requests: false}\n", { at: folder });
  await pushImage(server.port, repository, image);
  return server;
}

async function middle(times: number, work: (n: number) => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let n = 0; n < times; n++) {
    const began = performance.now();
    await work(n);
    taken.push(performance.now() - began);
  }
  return median(taken) ?? 0;
}
