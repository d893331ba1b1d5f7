import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutDockerd, startDockerd } from "../../support/dockerd.ts";
import { skipWithout } from "../../support/peers.ts";
import { assertNotPassedBy, refusal, serveWorld } from "./world.ts";

const skip = skipWithout("docker-registry", "gpg") || skipWithoutDockerd();

test("docker pulls and pushes through the server, and is told why it does not get the rest", {
  skip,
}, async (t) => {
  await using world = await serveWorld();
  const configFile = join(await world.setUp("docker"), "etc/docker/daemon.json");
  await using daemon = await startDockerd({ configFile });
  if (!daemon) return t.skip("dockerd does not run here");
  const { unsigned } = world.images;
  for (const reference of [":1", `@${unsigned.digest}`]) {
    const refused = await daemon.docker("pull", `${world.through}/team/unsigned${reference}`);
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, refusal);
  }
  assert.equal((await daemon.docker("images", "--quiet")).stdout, "");
  const signed = await daemon.docker("pull", `${world.through}/team/signed:1`);
  assert.equal(signed.exitCode, 0, signed.stderr);
  const pushed = `${world.through}/team/pushed:1`;
  await daemon.docker("tag", `${world.through}/team/signed:1`, pushed);
  const push = await daemon.docker("push", pushed);
  assert.equal(push.exitCode, 0, push.stderr);
  await daemon.docker("rmi", "--force", pushed, `${world.through}/team/signed:1`);
  const again = await daemon.docker("pull", pushed);
  assert.equal(again.exitCode, 0, again.stderr);
  await assertNotPassedBy(world);
});
