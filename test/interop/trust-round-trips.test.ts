import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { requirePeer, skipWithout } from "../support/peers.ts";
import { skipUnprivileged, startPodman } from "../support/podman.ts";
import { run } from "../support/run.ts";
import { type SigningWorld, signedBy, signingWorld } from "../support/signing-world.ts";

const skip = skipWithout("gpg", "skopeo", "podman") || skipUnprivileged();

const both = ["--src-tls-verify=false", "--dest-tls-verify=false"];

/** Debian's skopeo with the home of the world. */
function skopeo(world: SigningWorld, ...args: readonly string[]) {
  const env = { ...world.home.env, GNUPGHOME: world.gpg.path, NO_PROXY: "127.0.0.1" };
  return run(requirePeer("skopeo"), args, { cwd: world.in(), env });
}

async function policies(world: SigningWorld) {
  const { host } = world.registry;
  return {
    ann: await world.policy("ann.json", { [host]: signedBy(world.in("ann.pub")) }),
    bob: await world.policy("bob.json", { [host]: signedBy(world.in("bob.pub")) }),
  };
}

test("what we sign, skopeo and podman accept, by the right key only", { skip }, async () => {
  await using world = await signingWorld();
  await using podman = await startPodman();
  const { registry, home, keys } = world;
  registry.seed("made/app", "v1", makeImage());
  const image = world.at("team/app:v1");
  await world.output(
    "--insecure-policy",
    "copy",
    ...both,
    "--sign-by",
    keys.ann,
    world.at("made/app:v1"),
    image,
  );
  const { ann, bob } = await policies(world);
  const taken = await skopeo(
    world,
    "--policy",
    ann,
    "copy",
    "--src-tls-verify=false",
    image,
    "dir:taken",
  );
  assert.equal(taken.exitCode, 0, taken.stderr);
  const refused = await skopeo(
    world,
    "--policy",
    bob,
    "copy",
    "--src-tls-verify=false",
    image,
    "dir:refused",
  );
  assert.match(refused.stderr, /Source image rejected: Invalid GPG signature/);
  await podman.configure(
    "registries.d/d.yaml",
    `default-docker: {lookaside: "file://${home.folder.in("sigs")}"}`,
  );
  const pulled = await podman.pull(ann, image);
  assert.equal(pulled.exitCode, 0, pulled.stderr);
  const unpulled = await podman.pull(bob, image);
  assert.match(unpulled.stderr, /Source image rejected: Invalid GPG signature/);
});

test("what gpg, skopeo and podman sign, we accept, by the right key only", { skip }, async () => {
  await using world = await signingWorld();
  await using podman = await startPodman();
  const { registry, home, keys, gpg } = world;
  const digest = registry.seed("made/app", "v1", makeImage());
  const { ann, bob } = await policies(world);
  const byHand = {
    critical: {
      identity: { "docker-reference": `${registry.host}/made/app:v1` },
      image: { "docker-manifest-digest": digest },
      type: "atomic container signature",
    },
    optional: { creator: "by hand", timestamp: 1 },
  };
  const folder = home.folder.in("sigs", `made/app@${digest.replace(":", "=")}`);
  await mkdir(folder, { recursive: true });
  const message = gpg.output(["-u", keys.ann, "--sign"], {
    input: Buffer.from(JSON.stringify(byHand)),
  });
  await writeFile(`${folder}/signature-1`, message);

  const copied = await skopeo(
    world,
    ...["--insecure-policy", "copy", "--remove-signatures", ...both, "--sign-by", keys.ann],
    ...[world.at("made/app:v1"), world.at("team/skopeo:v1")],
  );
  assert.equal(copied.exitCode, 0, copied.stderr);

  await podman.configure(
    "registries.d/d.yaml",
    `default-docker: {lookaside: "file://${home.folder.in("sigs")}"}`,
  );
  await podman.configure("policy.json", '{"default":[{"type":"insecureAcceptAnything"}]}');
  const open = await world.policy("open.json", { "": { type: "insecureAcceptAnything" } });
  await podman.pull(open, world.at("made/app:v1"));
  const pushed = await podman.run(
    [
      "push",
      "--remove-signatures",
      "--quiet",
      "--tls-verify=false",
      "--sign-by",
      keys.ann,
      `${registry.host}/made/app:v1`,
      world.at("team/podman:v1"),
    ],
    { GNUPGHOME: gpg.path },
  );
  assert.equal(pushed.exitCode, 0, pushed.stderr);

  for (const name of ["made/app:v1", "team/skopeo:v1", "team/podman:v1"]) {
    const image = world.at(name);
    await world.output("--policy", ann, "verify", "--tls-verify=false", image);
    const refused = await world.run("--policy", bob, "verify", "--tls-verify=false", image);
    assert.match(refused.stderr, /Source image rejected: Invalid GPG signature: made by key/, name);
  }
});

test("signatures in the registry's own API need no configuration of podman's", {
  skip,
}, async () => {
  await using world = await signingWorld();
  await using podman = await startPodman();
  const { registry, keys } = world;
  registry.features = { ...registry.features, signatures: { announced: "1", lists: new Map() } };
  registry.seed("made/app", "v1", makeImage());
  const image = world.at("team/app:v1");
  await world.output(
    "--insecure-policy",
    "copy",
    ...both,
    "--sign-by",
    keys.ann,
    world.at("made/app:v1"),
    image,
  );
  const { ann, bob } = await policies(world);
  await world.output("--policy", ann, "verify", "--tls-verify=false", image);
  const pulled = await podman.pull(ann, image);
  assert.equal(pulled.exitCode, 0, pulled.stderr);
  const refused = await podman.pull(bob, image);
  assert.match(refused.stderr, /Source image rejected: Invalid GPG signature/);
});

test("key pairs of ours sign for skopeo's cryptography", { skip }, async () => {
  await using world = await signingWorld();
  await writeFile(world.in("manifest.json"), makeImage().bytes);
  const { keys } = world;
  await world.output("standalone-sign", "manifest.json", "a.test/x:1", keys.ann, "-o", "ours");
  const theirs = await skopeo(
    world,
    "standalone-verify",
    "manifest.json",
    "a.test/x:1",
    keys.ann,
    "ours",
  );
  const digest = createHash("sha256").update(makeImage().bytes).digest("hex");
  // Newer ones say by which key.
  assert.match(theirs.stdout, new RegExp(`^Signature verified.*, digest sha256:${digest}\n$`));
  await skopeo(world, "standalone-sign", "manifest.json", "a.test/x:1", keys.bob, "-o", "theirs");
  const ours = await world.output(
    "standalone-verify",
    "manifest.json",
    "a.test/x:1",
    keys.bob,
    "theirs",
  );
  assert.equal(ours, `Signature verified using fingerprint ${keys.bob}, digest sha256:${digest}\n`);
});
