import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Redis } from "ioredis";
import type { JobError } from "../../src/jobs/errors.ts";
import type { Job } from "../../src/jobs/job.ts";
import { openRedisJobs } from "../../src/jobs/redis/open.ts";
import { skipWithout } from "../support/peers.ts";
import { startRedis } from "../support/redis.ts";
import { makePki } from "../support/tls.ts";
import { undisturbed } from "../support/undisturbed.ts";
import { insist } from "./contract/faults.ts";
import { jobOf } from "./contract/ledger.ts";

const options = { timeout: 120_000, skip: skipWithout("redis-server") };
const settings = { now: Date.now, patienceMs: 60_000 };
/** Where somebody is to give up. */
const impatient = { now: Date.now, patienceMs: 2000 };

/** A Redis, and somebody who sets it up. */
async function startOwned() {
  const server = await startRedis();
  const owner = new Redis(server.url);
  owner.on("error", () => {});
  return {
    server,
    owner,
    async [Symbol.asyncDispose]() {
      owner.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function refusal(url: string): Promise<string> {
  try {
    await (await openRedisJobs(url, impatient))[Symbol.asyncDispose]();
    return "none";
  } catch (error) {
    assert.equal((error as JobError).code, "job.queue-unreachable");
    return (error as JobError).message;
  }
}

test("openRedisJobs() says why Redis refuses, and uses no other database", options, async () => {
  await undisturbed(1000, async () => {
    await using world = await startOwned();
    const { server, owner } = world;
    assert.equal(await refusal(`${server.url}/3`), "none");
    assert.match(await refusal(`${server.url}/99`), /Redis refuses: ERR DB index is out of range/);
    assert.deepEqual(await owner.keys("*"), []);
    await owner.config("SET", "requirepass", "secret");
    assert.match(await refusal(server.url), /Redis refuses: NOAUTH/);
    const wrong = await refusal(server.url.replace("//", "//:not-this-one@"));
    assert.match(wrong, /Redis refuses: WRONGPASS/);
    assert.doesNotMatch(wrong, /not-this-one/);
    assert.equal(await refusal(server.url.replace("//", "//:secret@")), "none");
  });
});

test(
  "openRedisJobs() warns of a Redis that throws away, and nobody else does",
  options,
  async (t) => {
    await using world = await startOwned();
    const said = t.mock.method(console, "warn", () => {});
    const warnings: string[] = [];
    const open = async () => {
      const warn = (text: string) => void warnings.push(text);
      await using jobs = await openRedisJobs(world.server.url, { ...settings, warn });
      await jobs.queue.size();
      await jobs.webhooks.size();
    };
    await world.owner.config("SET", "maxmemory-policy", "allkeys-lru");
    await open(); // as much memory as there is
    assert.deepEqual(warnings, []);
    await world.owner.config("SET", "maxmemory", "100mb");
    await open();
    assert.deepEqual(warnings, [
      "Redis may throw jobs away when its memory is full: maxmemory-policy is allkeys-lru",
    ]);
    assert.equal(said.mock.callCount(), 0);
  },
);

test("A Redis whose memory is full is told as that", options, async () => {
  await using world = await startOwned();
  await using jobs = await openRedisJobs(world.server.url, settings);
  await world.owner.config("SET", "maxmemory", "1kb");
  await assert.rejects(jobs.ledger.create(jobOf()), ({ message, hint }: JobError) => {
    assert.match(message, /Redis refuses: OOM/);
    assert.match(String(hint), /its memory/);
    return true;
  });
});

test("However many wait for Redis, nobody is warned of listeners", options, async () => {
  await using world = await startOwned();
  await using jobs = await insist(() => openRedisJobs(world.server.url, impatient));
  const warnings: string[] = [];
  const note = ({ message }: Error) => void warnings.push(message);
  process.on("warning", note);
  try {
    await world.server.kill();
    await Promise.allSettled(Array.from({ length: 50 }, () => jobs.ledger.get("x")));
    await world.server.start();
    assert.equal(await insist(() => jobs.ledger.get("x")), undefined);
    assert.deepEqual(warnings, []);
  } finally {
    process.off("warning", note);
  }
});

test("Redis ledger tells of changes after it was emptied", options, async () => {
  await using world = await startOwned();
  await using jobs = await openRedisJobs(world.server.url, settings);
  for (let n = 0; n < 5; n++) await jobs.ledger.create(jobOf());
  const ending = new AbortController();
  const told: Job[] = [];
  const heard = new EventTarget();
  const watching = (async () => {
    for await (const job of jobs.ledger.watchAll({ signal: ending.signal })) {
      told.push(job);
      heard.dispatchEvent(new Event("job"));
    }
  })();
  const first = jobOf();
  let next = once(heard, "job");
  while (told.length === 0) {
    await jobs.ledger.create(jobOf()); // until it listens
    await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  await world.owner.flushall();
  told.length = 0;
  next = once(heard, "job");
  await jobs.ledger.create(first);
  await next;
  assert.deepEqual(
    told.map(({ id }) => id),
    [first.id],
  );
  ending.abort();
  await watching;
});

test(
  "openRedisJobs() waits for no Redis that may be away, and asks it when it is there",
  options,
  async () => {
    await using world = await startOwned();
    const { server, owner } = world;
    await server.kill();
    const away = { ...settings, mayBeAway: true };
    await using jobs = await openRedisJobs<{ readonly n: number }>(`${server.url}/3`, away);
    await using mistaken = await openRedisJobs(`${server.url}/99`, away);
    assert.match(jobs.trouble() ?? "", /Redis does not answer/);
    await assert.rejects(jobs.queue.size(), { code: "job.queue-unreachable" });
    await server.start();
    assert.equal(await jobs.queue.add("a", { n: 1 }), "added");
    assert.equal(jobs.trouble(), undefined);
    await assert.rejects(mistaken.ledger.create(jobOf()), /Redis refuses: ERR DB index/);
    assert.match(mistaken.trouble() ?? "", /Redis refuses: ERR DB index/);
    assert.deepEqual(await owner.keys("*"), []);
  },
);

test(
  "openRedisJobs() does not wait for a Redis that refuses, though it may be away",
  options,
  async () => {
    await using world = await startOwned();
    const { server, owner } = world;
    await owner.config("SET", "requirepass", "secret");
    const away = { ...settings, mayBeAway: true };
    await assert.rejects(openRedisJobs(server.url, away), /Redis refuses: NOAUTH/);
  },
);

test("openRedisJobs() trusts the authority that it is given, by rediss:", {
  ...options,
  skip: options.skip || skipWithout("openssl"),
}, async () => {
  await using pki = await makePki();
  await using server = await startRedis(pki.server);
  await assert.rejects(openRedisJobs(server.url, impatient), { code: "job.queue-unreachable" });
  await using jobs = await openRedisJobs(server.url, { ...settings, ca: pki.ca.cert });
  assert.deepEqual(await jobs.queue.size(), { waiting: 0, delayed: 0, running: 0 });
});
