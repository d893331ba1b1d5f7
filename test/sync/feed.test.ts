import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fed, Feed, type FeedSource } from "../../src/sync/feed.ts";

function source(host: string, repository: string, count: number): FeedSource<string> {
  return {
    host,
    async *open() {
      for (let n = 0; n < count; n++) {
        yield { value: `${repository}${n}`, burdens: [host, repository] as const };
      }
    },
  };
}

async function takeAll(feed: Feed<string>, atOnce: number): Promise<string[]> {
  const taken: string[] = [];
  const held: Fed<string>[] = [];
  for (let next = await feed.next(); next; next = await feed.next()) {
    taken.push(next.value);
    held.push(next);
    const first = held.length === atOnce ? held.shift() : undefined;
    if (first) feed.done(first);
  }
  return taken;
}

const limits = { sources: 4, ahead: 8 };

test("Feed hands out everything, one source in its order", async () => {
  const all = await takeAll(new Feed([source("a", "x", 100)], limits), 3);
  assert.deepEqual(
    all,
    Array.from({ length: 100 }, (_, n) => `x${n}`),
  );
  assert.deepEqual(await takeAll(new Feed<string>([], limits), 3), []);
});

test("Feed gives a host that has little to do its share beside one that has very much", async () => {
  const sources = [source("a", "x", 500), source("a", "y", 500), source("b", "z", 20)];
  const taken = await takeAll(new Feed(sources, limits), 6);
  assert.equal(taken.length, 1020);
  const last = taken.findLastIndex((value) => value.startsWith("z"));
  assert.ok(last < 60, `the last of the small host came as number ${last}`);
  const firstX = taken.slice(60, 260).filter((value) => value.startsWith("x")).length;
  assert.ok(firstX > 80 && firstX < 120, `${firstX} of 200 were of one repository of two`);
});

test("Feed opens a source of another host before the rest of the first's", async () => {
  const opened: string[] = [];
  const noted = (each: FeedSource<string>, name: string): FeedSource<string> => ({
    ...each,
    open: () => {
      opened.push(name);
      return each.open();
    },
  });
  const sources = [1, 2, 3, 4, 5].map((n) => noted(source("a", `a${n}-`, 3), `a${n}`));
  const feed = new Feed([...sources, noted(source("b", "b-", 3), "b")], { sources: 2, ahead: 2 });
  await takeAll(feed, 1);
  assert.deepEqual(opened.slice(0, 2), ["a1", "b"]);
  assert.equal(opened.length, 6);
});

test("Feed reads no further ahead than it may", async () => {
  let read = 0;
  const endless: FeedSource<number> = {
    host: "a",
    async *open() {
      for (;;) yield { value: read++, burdens: ["a", "a"] as const };
    },
  };
  const feed = new Feed([endless], { sources: 1, ahead: 5 });
  for (let n = 0; n < 10; n++) await feed.next();
  for (let n = 0; n < 50; n++) await Promise.resolve();
  assert.ok(read <= 16, `${read} were read`);
  feed.close();
  assert.equal(await feed.next(), undefined);
});

test("Feed throws what a source throws", async () => {
  const bad: FeedSource<string> = {
    host: "a",
    async *open() {
      yield { value: "one", burdens: ["a", "a"] as const };
      throw new Error("broken");
    },
  };
  await assert.rejects(takeAll(new Feed([bad], limits), 1), /broken/);
});
