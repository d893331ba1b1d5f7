import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { requirePeer, skipWithout } from "../../support/peers.ts";
import { run } from "../../support/run.ts";
import { assertNotPassedBy, refusal, serveWorld } from "./world.ts";

const skip = skipWithout("docker-registry", "gpg", "skopeo");

/** Why no set-up of ours has a mirror in it; and that these tests would notice. */
test("a mirror that refuses is passed by for the registry itself", { skip }, async () => {
  await using world = await serveWorld();
  const { upstream, through, home } = world;
  const conf = [
    `[[registry]]\nlocation = "${upstream.host}"\ninsecure = true`,
    `[[registry.mirror]]\nlocation = "${through}"\ninsecure = true\n`,
  ];
  const folder = home.folder.in("open");
  await mkdir(folder);
  await writeFile(`${folder}/registries.conf`, conf.join("\n"));
  const image = `docker://${upstream.host}/team/unsigned:1`;
  const passedBy = await run(
    requirePeer("skopeo"),
    ["--registries-conf", `${folder}/registries.conf`, "inspect", "--raw", image],
    { env: { HOME: folder, XDG_RUNTIME_DIR: folder } },
  );
  assert.equal(passedBy.exitCode, 0, passedBy.stderr);
  assert.equal(passedBy.stdout, Buffer.from(world.images.unsigned.bytes).toString());
  assert.doesNotMatch(passedBy.stderr, refusal);
  await assert.rejects(assertNotPassedBy(world), /skopeo/);
});
