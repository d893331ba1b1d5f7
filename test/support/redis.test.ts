import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import { skipWithout } from "./peers.ts";
import { startRedis } from "./redis.ts";

test("startRedis() gives a server that keeps what it answered through a crash, at the same place", {
  skip: skipWithout("redis-server"),
}, async () => {
  await using server = await startRedis();
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on("error", () => {}); // it is away for a while
  await redis.set("name", "amphora");
  await server.kill();
  const answer = redis.get("name");
  await server.start();
  assert.equal(await answer, "amphora");
  server.freeze();
  const late = redis.get("name");
  server.thaw();
  assert.equal(await late, "amphora");
  redis.disconnect();
});
