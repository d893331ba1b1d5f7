import assert from "node:assert/strict";
import { StatementSync } from "node:sqlite";
import { test } from "node:test";
import type { RegistryStore } from "../../../src/server/store/registry-store.ts";
import {
  callBy,
  manifestAt,
  openTestStore,
  pushImage,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { tempFolder } from "../../support/temp.ts";

const app = repositoryAt("team/app");

/** Those that index.json is written by, whenever its time has come: nobody waits for them. */
function isOfIndex({ sourceSQL }: StatementSync): boolean {
  return /\bindexed\b|null as annotations/.test(sourceSQL);
}

/** How many statements are run, and how many rows they give. */
async function counted(work: () => Promise<unknown>): Promise<{ runs: number; rows: number }> {
  const counts = { runs: 0, rows: 0 };
  const { run, get, all } = StatementSync.prototype;
  Object.assign(StatementSync.prototype, {
    run(this: StatementSync, ...args: Parameters<typeof run>) {
      if (!isOfIndex(this)) counts.runs++;
      return run.apply(this, args);
    },
    get(this: StatementSync, ...args: Parameters<typeof get>) {
      if (!isOfIndex(this)) counts.runs++;
      return get.apply(this, args);
    },
    all(this: StatementSync, ...args: Parameters<typeof all>) {
      const rows = all.apply(this, args);
      if (isOfIndex(this)) return rows;
      counts.runs++;
      counts.rows += rows.length;
      return rows;
    },
  });
  try {
    await work();
  } finally {
    Object.assign(StatementSync.prototype, { run, get, all });
  }
  return counts;
}

async function tagOften(store: RegistryStore, from: number, to: number): Promise<void> {
  const manifest = await pushImage(store, app, [], "often");
  const tags = Array.from({ length: to - from }, (_, n) => `t${String(n + from).padStart(6, "0")}`);
  await store.putManifest(app, { manifest, tags }, callBy());
  await store.flush();
}

test("A push, a page of tags and a pull do the same work whatever the number of tags", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const costs: Record<string, { runs: number; rows: number }>[] = [];
  let tags = 0;
  for (const count of [100, 3000]) {
    await tagOften(store, tags, count);
    tags = count;
    await pushImage(store, app, [], "new");
    const manifest = await pushImage(store, app, [], `new ${count}`);
    await store.flush();
    const put = await counted(() => store.putManifest(app, { manifest, tags: ["new"] }, callBy()));
    costs.push({
      put,
      page: await counted(() => store.listTags(app, { limit: 50, last: "t00001" }, callBy())),
      pull: await counted(() => manifestAt(store, app, "new")),
      again: await counted(() => manifestAt(store, app, "new")),
    });
    await store.flush();
  }
  const [few = {}, many = {}] = costs;
  for (const [name, { runs, rows }] of Object.entries(many)) {
    const slack = 5; // whether a version was looked at in this turn already
    assert.ok(runs <= (few[name]?.runs ?? 0) + slack, `${name}: ${runs} statements`);
    assert.equal(rows, few[name]?.rows, name);
  }
});
