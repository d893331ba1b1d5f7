import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOf } from "../../../src/core/digest.ts";
import { makeImage } from "../../support/images.ts";
import { startRegistry } from "../../support/registry.ts";
import { call } from "../../support/server/client.ts";
import {
  type LoadImage,
  NotDone,
  pullLoadImage,
  pushLoadImage,
} from "../../support/server/load-client.ts";
import { startServerProcess } from "../../support/server/server-process.ts";
import { tempFolder } from "../../support/temp.ts";

/** The server's data are on a disk of 12 MiB that only it sees. */
const unshared = ["unshare", "-rm", "--propagation", "private"];
const shell = (folder: string) =>
  `exec ${unshared.join(" ")} sh -c 'mount -t tmpfs -o size=12m small "${folder}" && exec "$@"' sh "$@"`;

const [program = "", ...args] = unshared;
const probe = spawnSync(program, [...args, "mount", "-t", "tmpfs", "x", "/mnt"]);
const skip = probe.status === 0 ? false : "mounts cannot be made here, not even unshared";

test("a full disk refuses pushes, serves all that was acknowledged and lets pulls through, until there is room again", {
  skip,
}, async () => {
  await using registry = await startRegistry();
  await using folder = await tempFolder();
  const { mkdir } = await import("node:fs/promises");
  await mkdir(folder.in("data"));
  const yaml = `
log: {requests: false}
store: {collect-every: 100ms, unreferenced-after: 1s, upload-expiry: 1s}
upstreams: [{name: up.example, alias: up, url: "${registry.origin}"}]
`;
  await using server = await startServerProcess({ folder, yaml, shell: shell(folder.in("data")) });
  const target = { url: server.url };
  const pushed: LoadImage[] = [];
  let refused: unknown;
  for (let n = 1; n < 100 && !isRefusal(refused); n++) {
    await pushLoadImage(target, "team/app", `t${n}`, [[n, 1_500_000]]).then(
      (image) => pushed.push(image),
      (error) => {
        refused = error;
      },
    );
  }
  assert.ok(isRefusal(refused), String(refused));
  assert.ok(pushed.length >= 2);
  for (const image of pushed) await pullLoadImage(target, image);

  // What does not fit is passed through, to several at once.
  const large = makeImage({ seed: 5, layers: 1, layerBytes: 11_000_000, compression: "none" });
  registry.seed("large", "v1", large);
  const [layer] = large.layers;
  const answers = await Promise.all(
    [1, 2, 3].map(() => call(target.url, "GET", `/v2/up/large/blobs/${layer?.digest}`)),
  );
  for (const { status, body } of answers) {
    assert.equal(status, 200);
    assert.equal(digestOf(body), layer?.digest);
  }
  for (const image of pushed) await pullLoadImage(target, image);

  // Room is made by deleting, on the full disk.
  for (const { repository, digest } of pushed.splice(0, 2)) {
    const path = `/v2/${repository}/manifests/${digest}`;
    assert.equal((await call(target.url, "DELETE", path)).status, 202);
  }
  await pushedAtLast(() => pushLoadImage(target, "team/app", "again", [[77, 1_000_000]]));
  for (const image of pushed) await pullLoadImage(target, image);
  assert.equal((await call(target.url, "GET", "/healthz")).status, 200);
});

/** Not what a busy machine brings: a blob that is collected again before its manifest comes. */
function isRefusal(error: unknown): boolean {
  return error instanceof NotDone && /: 5\d\d /.test(error.message);
}

async function pushedAtLast(push: () => Promise<LoadImage>): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      return void (await push());
    } catch (error) {
      if (n >= 200) throw error;
      await sleep(100);
    }
  }
}
