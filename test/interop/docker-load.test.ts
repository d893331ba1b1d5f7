import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutDockerd, startDockerd } from "../support/dockerd.ts";
import { writeImageFolder } from "../support/image-folder.ts";
import { makeImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { skipUnprivileged, startPodman } from "../support/podman.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

async function amphora(home: CliHome, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await home.run(args);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

/** The config's digest and the layers of an image, as it is called. */
async function inspected(home: CliHome, name: string, flags: readonly string[] = []) {
  const { config, layers } = JSON.parse(await amphora(home, "inspect", ...flags, "--raw", name));
  return [config.digest, ...layers.map(({ digest }: { digest: string }) => digest)];
}

const skip = skipWithout("podman") || skipUnprivileged();

test("podman loads what we write, and we read what it saves", { skip }, async () => {
  await using home = await cliHome();
  await using podman = await startPodman();
  const at = home.folder.in;
  await writeImageFolder(at("image"), makeImage());
  const ours = `docker-archive:${at("ours.tar")}:example.com/a/b:c`;
  await amphora(home, "copy", `dir:${at("image")}`, ours);
  const loaded = await podman.run(["load", "--quiet", "-i", at("ours.tar")]);
  assert.equal(loaded.exitCode, 0, loaded.stderr);
  const saved = await podman.run(["save", "-o", at("theirs.tar"), "example.com/a/b:c"]);
  assert.equal(saved.exitCode, 0, saved.stderr);
  const theirs = `docker-archive:${at("theirs.tar")}:example.com/a/b:c`;
  assert.deepEqual(await inspected(home, theirs), await inspected(home, ours));
});

test("a real dockerd takes our images, and gives them back", {
  skip: skipWithoutDockerd(),
}, async (t) => {
  await using daemon = await startDockerd();
  if (!daemon) return t.skip("dockerd does not run here");
  await using home = await cliHome();
  const { host } = daemon;
  const docker = async (...args: readonly string[]) => {
    const { exitCode, stderr } = await daemon.docker(...args);
    assert.equal(exitCode, 0, stderr);
  };
  const at = home.folder.in;
  await writeImageFolder(at("image"), makeImage());
  const from = `dir:${at("image")}`;
  await amphora(home, "copy", "--dest-daemon-host", host, from, "docker-daemon:foo:x");
  await amphora(home, "copy", from, `docker-archive:${at("ours.tar")}:bar:y`);
  await docker("load", "-i", at("ours.tar"));
  await docker("save", "-o", at("theirs.tar"), "foo:x", "bar:y");
  const expected = await inspected(home, `docker-archive:${at("ours.tar")}`);
  const flags = ["--daemon-host", host];
  assert.deepEqual(await inspected(home, "docker-daemon:foo:x", flags), expected);
  assert.deepEqual(await inspected(home, `docker-archive:${at("theirs.tar")}:foo:x`), expected);
});
