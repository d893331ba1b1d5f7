import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { writeImageFolder } from "../../support/image-folder.ts";
import { makeImage } from "../../support/images.ts";
import { programPath, skipWithout } from "../../support/peers.ts";
import { type Podman, skipUnprivileged, startPodman } from "../../support/podman.ts";
import { type RunResult, run } from "../../support/run.ts";
import { assertNotPassedBy, readSetup, refusal, type ServeWorld, serveWorld } from "./world.ts";

const skip = skipWithout("docker-registry", "gpg", "podman", "skopeo") || skipUnprivileged();
const conf = "etc/containers/registries.conf.d/900-amphora.conf";
const acceptAll = '{"default":[{"type":"insecureAcceptAnything"}]}';

let stack: AsyncDisposableStack;
let world: ServeWorld;
let podman: Podman;
let accepting: string;

before(async () => {
  if (skip) return;
  stack = new AsyncDisposableStack();
  world = stack.use(await serveWorld());
  podman = stack.use(await startPodman());
  // What is for /etc/containers, as a user's own; podman then reads nothing of the machine's.
  const text = await readSetup(await world.setUp("podman"), conf);
  await podman.configure("registries.conf", text);
  await world.home.write(".config/containers/registries.conf", text);
  await podman.configure("policy.json", acceptAll);
  accepting = world.home.folder.in("home/.config/containers/policy.json");
});

after(() => stack?.disposeAsync());

/** A tool of containers' in the home that has the set-up. */
function tool(name: string, ...args: readonly string[]): Promise<RunResult> {
  const program = programPath(name);
  assert.ok(program);
  const { HOME = "", XDG_RUNTIME_DIR = "", TMPDIR = "" } = world.home.env;
  return run(program, args, { env: { HOME, XDG_RUNTIME_DIR, TMPDIR } });
}

/** `docker://` name of an image by its own registry, as people write it. */
function imageName(name: string): string {
  return `${world.upstream.host}/team/${name}:1`;
}

function assertRefused({ exitCode, stderr }: RunResult): void {
  assert.notEqual(exitCode, 0);
  assert.match(stderr, refusal);
}

test("skopeo gets what is signed, and is told why it does not get the rest", { skip }, async () => {
  const at = (name: string) => world.home.folder.in(`by-skopeo-${name}`);
  const copy = (name: string) =>
    tool("skopeo", "copy", `docker://${imageName(name)}`, `dir:${at(name)}`);
  assertRefused(await copy("unsigned"));
  assert.equal(existsSync(`${at("unsigned")}/manifest.json`), false);
  const digest = world.images.unsigned.digest;
  const byDigest = `docker://${world.upstream.host}/team/unsigned@${digest}`;
  assertRefused(await tool("skopeo", "inspect", "--raw", byDigest));
  const signed = await copy("signed");
  assert.equal(signed.exitCode, 0, signed.stderr);
  assert.ok(existsSync(`${at("signed")}/manifest.json`));
  await assertNotPassedBy(world);
});

test("podman gets what is signed, and is told why it does not get the rest", { skip }, async () => {
  assertRefused(await podman.pull(accepting, imageName("unsigned")));
  const images = await podman.run(["images", "--quiet"]);
  assert.deepEqual([images.exitCode, images.stdout.trim()], [0, ""]);
  const run = await podman.run(["create", "--pull=always", imageName("unsigned"), "/bin/true"]);
  assertRefused(run);
  const signed = await podman.pull(accepting, imageName("signed"));
  assert.equal(signed.exitCode, 0, signed.stderr);
  await assertNotPassedBy(world);
});

const skipBuildah = skip || (programPath("buildah") ? false : "not on PATH: buildah");

test("buildah gets what is signed, and is told why not the rest", {
  skip: skipBuildah,
}, async () => {
  const at = world.home.folder.in;
  await mkdir(at("buildah"));
  const store = ["--root", at("buildah/root"), "--runroot", at("buildah/run")];
  const buildah = (...args: readonly string[]) =>
    tool("buildah", ...store, "--storage-driver", "vfs", ...args);
  assertRefused(await buildah("pull", "--quiet", imageName("unsigned")));
  assertRefused(await buildah("from", imageName("unsigned")));
  const images = await buildah("images", "--quiet");
  assert.deepEqual([images.exitCode, images.stdout.trim()], [0, ""], images.stderr);
  const signed = await buildah("pull", "--quiet", imageName("signed"));
  assert.equal(signed.exitCode, 0, signed.stderr);
  await assertNotPassedBy(world);
});

test("podman under signedBy, without registries.d, takes what was pushed through", {
  skip,
}, async () => {
  const at = world.home.folder.in;
  await writeImageFolder(at("pushed"), makeImage({ seed: 3 }));
  const to = `docker://${world.through}/team/pushed:1`;
  const push = await tool("skopeo", "copy", `dir:${at("pushed")}`, to);
  assert.equal(push.exitCode, 0, push.stderr);
  const pulled = await podman.pull(world.clientPolicy, imageName("pushed"));
  assert.equal(pulled.exitCode, 0, pulled.stderr);
  // Ann's signature lets an image out of the server, but is not what this client wants.
  const others = await podman.pull(world.clientPolicy, imageName("signed"));
  assert.notEqual(others.exitCode, 0);
  const there = await fetch(`${world.upstream.origin}/v2/team/pushed/tags/list`, {
    headers: { "User-Agent": "amphora/test" },
  });
  assert.deepEqual(await there.json(), { name: "team/pushed", tags: ["1"] });
  await assertNotPassedBy(world);
});
