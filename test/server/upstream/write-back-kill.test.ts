import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { assertHolds } from "../../registry/support.ts";
import { makeImage } from "../../support/images.ts";
import { hang } from "../../support/registry/faults.ts";
import { startRegistry } from "../../support/registry.ts";
import { call } from "../../support/server/client.ts";
import { startServerProcess } from "../../support/server/server-process.ts";
import { tempFolder } from "../../support/temp.ts";

test("a push that was under way when its process was killed goes on with the next one", async () => {
  await using registry = await startRegistry();
  await using folder = await tempFolder();
  const yaml = stringify({
    log: { requests: false },
    upstreams: [{ name: "hub.example", url: registry.origin, push: "write-back" }],
  });
  const image = makeImage({ layers: 1 });
  const stalled = registry.behave({ on: "PUT manifest", times: 1000, fault: hang() });
  await using first = await startServerProcess({ folder, yaml });
  for (const [digest, body] of image.blobs)
    await call(first.url, "POST", `/v2/hub.example/app/blobs/uploads/?digest=${digest}`, { body });
  const headers = { "Content-Type": image.mediaType };
  const at = "/v2/hub.example/app/manifests/v1";
  assert.equal((await call(first.url, "PUT", at, { headers, body: image.bytes })).status, 201);
  while (stalled.hits === 0) await sleep(20);
  assert.equal(await first.kill("SIGKILL"), "SIGKILL");
  stalled.stop();
  await using second = await startServerProcess({ folder, yaml });
  for (let turn = 0; turn < 600 && !registry.store.open("app").tags.has("v1"); turn++)
    await sleep(100);
  assertHolds(registry, "app", image);
  assert.equal(await second.kill("SIGTERM"), 0);
});
