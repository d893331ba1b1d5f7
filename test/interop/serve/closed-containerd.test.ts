import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutContainerd, startContainerd } from "../../support/containerd.ts";
import { skipWithout } from "../../support/peers.ts";
import { makePki } from "../../support/tls.ts";
import { assertNotPassedBy, refusal, serveWorld } from "./world.ts";

const skip = skipWithout("docker-registry", "gpg", "openssl") || skipWithoutContainerd();

test("containerd gets what is signed, and is told why it does not get the rest", {
  skip,
}, async (t) => {
  await using containerd = await startContainerd();
  if (!containerd) return t.skip("containerd does not run here");
  await using pki = await makePki();
  await using world = await serveWorld(undefined, pki);
  const hosts = join(await world.setUp("containerd"), "etc/containerd/certs.d");
  const pull = (image: string) =>
    containerd.ctr("images", "pull", "--snapshotter", "native", "--hosts-dir", hosts, image);
  const { unsigned } = world.images;
  for (const reference of [":1", `@${unsigned.digest}`]) {
    const refused = await pull(`${world.upstream.host}/team/unsigned${reference}`);
    assert.notEqual(refused.exitCode, 0);
    assert.match(`${refused.stdout}${refused.stderr}`, refusal);
  }
  assert.equal((await containerd.ctr("images", "ls", "--quiet")).stdout, "");
  assert.equal((await containerd.ctr("content", "ls", "--quiet")).stdout, "");
  const name = `${world.upstream.host}/team/signed:1`;
  const signed = await pull(name);
  assert.equal(signed.exitCode, 0, signed.stderr);
  const listed = await containerd.ctr("images", "ls");
  assert.ok(listed.stdout.includes(world.images.signed.digest));
  await assertNotPassedBy(world);
});
