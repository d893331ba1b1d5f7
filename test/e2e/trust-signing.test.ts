import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeImage, makeMultiArch } from "../support/images.ts";
import { generateKey, gpgHome } from "../support/openpgp/gpg.ts";
import { skipWithout } from "../support/peers.ts";
import { signedBy, signingWorld } from "../support/signing-world.ts";

const skip = skipWithout("gpg");

const noTls = "--src-tls-verify=false";
const both = [noTls, "--dest-tls-verify=false"];

test("an image is refused without the key, admitted with it, and both are explained", {
  skip,
}, async () => {
  await using world = await signingWorld();
  const { registry, keys } = world;
  registry.seed("made/app", "v1", makeImage());
  const image = world.at("team/app:v1");
  const signed = await world.output(
    "--insecure-policy",
    "copy",
    ...both,
    "--sign-by",
    keys.ann,
    world.at("made/app:v1"),
    image,
  );
  assert.match(
    signed,
    /Writing manifest to image destination\nCreating signature: Signing image using simple signing\nStoring signatures\n$/,
  );

  const ann = await world.policy("ann.json", { [registry.host]: signedBy(world.in("ann.pub")) });
  const bob = await world.policy("bob.json", { [registry.host]: signedBy(world.in("bob.pub")) });
  await world.output("--policy", ann, "copy", noTls, image, "dir:admitted");
  const refused = await world.run("--policy", bob, "copy", noTls, image, "dir:refused");
  assert.equal(refused.exitCode, 1);
  assert.match(
    refused.stderr,
    /level=fatal msg="Source image rejected: Invalid GPG signature: made by key .*"\n$/,
  );
  assert.deepEqual((await readdir(world.in())).includes("refused"), false);
  const why = await world.run("--policy", bob, "copy", "--explain", noTls, image, "dir:refused");
  assert.match(
    why.stderr,
    /requirement 1: signedBy with .*\n.*\nwhy: Invalid GPG signature: .*\ndo: .*\ntime=.*level=fatal/s,
  );
  const unsigned = await world.run(
    "--policy",
    ann,
    "copy",
    noTls,
    world.at("made/app:v1"),
    "dir:refused",
  );
  assert.match(
    unsigned.stderr,
    /Source image rejected: A signature was required, but no signature exists|Signature for identity/,
  );

  const digest = (
    await world.output("--policy", ann, "verify", "--tls-verify=false", image)
  ).trim();
  assert.match(digest, /^docker:\/\/127\.0\.0\.1:\d+\/team\/app@sha256:[0-9a-f]{64}$/);
  await world.output("--policy", ann, "copy", noTls, digest, "dir:pinned");
  const no = await world.run("--policy", bob, "verify", "--tls-verify=false", image);
  assert.deepEqual([no.exitCode, no.stdout], [1, ""]);

  const told = await world.output("--policy", bob, "trust", "explain", "--tls-verify=false", image);
  for (const part of [
    `policy: scope "${registry.host}" of transport "docker" in ${bob}`,
    `requirement 1: signedBy with ${world.in("bob.pub")}, matchRepoDigestOrExact does not hold: Invalid GPG signature`,
    `signature 1 says (unverified) simple-signing, key ${keys.ann.slice(-16)}, image "${registry.host}/team/app:v1"`,
    "no  made by a trusted key",
    "why: Invalid GPG signature",
    "do: ",
  ]) {
    assert.ok(told.includes(part), `${part}\n\n${told}`);
  }
  const json = JSON.parse(
    await world.output(
      "--log-format",
      "json",
      "--policy",
      ann,
      "trust",
      "explain",
      "--tls-verify=false",
      image,
    ),
  );
  assert.equal(json.images[0].verdict.allowed, true);
  assert.deepEqual(
    json.images[0].verdict.steps.map(({ kind, ok }: { kind: string; ok: boolean }) => [kind, ok]),
    ["scope", "requirement", "fetch", "signature", "crypto", "payload", "digest", "identity"].map(
      (kind) => [kind, true],
    ),
  );
});

test("signing again adds nothing, another name or key adds one", { skip }, async () => {
  await using world = await signingWorld();
  const { registry, keys } = world;
  const digest = registry.seed("made/app", "v1", makeImage());
  const kept = () => readdir(world.home.folder.in("sigs", `team/app@${digest.replace(":", "=")}`));
  const sign = (key: string, tag: string) =>
    world.output(
      "--insecure-policy",
      "copy",
      ...both,
      "--sign-by",
      key,
      world.at("made/app:v1"),
      world.at(`team/app:${tag}`),
    );
  await sign(keys.ann, "v1");
  await sign(keys.ann, "v1");
  assert.deepEqual(await kept(), ["signature-1"]);
  await writeFile(world.in("ann.key"), world.gpg.output(["--export-secret-keys", keys.ann]));
  const without = await world.output(
    ...["sign", "--tls-verify=false", "--sign-by-key-file", "ann.key", world.at("team/app:v1")],
  );
  assert.match(without, new RegExp(`was signed already as .* by ${keys.ann}`));
  await world.output(
    ...["sign", "--tls-verify=false", "--sign-by-key-file", "ann.key", "-d", "other"],
    world.at("team/app:v1"),
  );
  const ann = await world.policy("ann.json", { [registry.host]: signedBy(world.in("ann.pub")) });
  await world.home.write(
    ".config/containers/registries.d/other/d.yaml",
    `default-docker:\n  lookaside: file://${world.in("other")}\n`,
  );
  const other = world.home.folder.in("home", ".config/containers/registries.d/other");
  await world.output(
    ...["--policy", ann, "--registries.d", other, "verify", "--tls-verify=false"],
    world.at("team/app:v1"),
  );
  await sign(keys.ann, "v2");
  await sign(keys.bob, "v1");
  assert.deepEqual((await kept()).sort(), ["signature-1", "signature-2", "signature-3"]);
});

test("an image is signed where it is, and every image of a list, without a word to the registry but reading", {
  skip,
}, async () => {
  await using world = await signingWorld();
  const { registry, keys } = world;
  const list = registry.seed("vendor/app", "v1", makeMultiArch());
  const before = registry.log.entries.length;
  const signed = JSON.parse(
    await world.output(
      "sign",
      "--tls-verify=false",
      "--json",
      "--sign-by",
      keys.bob,
      world.at("vendor/app:v1"),
    ),
  ) as { digest: string; identity: string; keyId: string; made: boolean }[];
  const methods = new Set(registry.log.entries.slice(before).map(({ method }) => method));
  assert.ok(
    [...methods].every((method) => method === "GET" || method === "HEAD"),
    [...methods].join(),
  );
  assert.equal(signed.at(-1)?.digest, list);
  assert.ok(signed.length > 2);
  for (const one of signed)
    assert.deepEqual(one, {
      digest: one.digest,
      identity: `${registry.host}/vendor/app:v1`,
      keyId: keys.bob,
      made: true,
    });
  const again = await world.output(
    "sign",
    "--tls-verify=false",
    "--sign-by",
    keys.bob,
    world.at("vendor/app:v1"),
  );
  assert.equal(again.match(/was signed already/g)?.length, signed.length);
  const bob = await world.policy("bob.json", { [registry.host]: signedBy(world.in("bob.pub")) });
  await world.output("--policy", bob, "copy", "--all", noTls, world.at("vendor/app:v1"), "dir:all");
  await world.output(
    "sign",
    "--tls-verify=false",
    "-d",
    "mine",
    "--sign-by",
    keys.ann,
    "--sign-identity",
    "a.test/app:v1",
    world.at("vendor/app:v1"),
  );
  assert.equal((await readdir(world.in("mine/vendor"))).length, signed.length);
  const refused = await world.run("sign", "--sign-by", keys.ann, "dir:all");
  assert.match(refused.stderr, /Cannot sign dir:.*: only images in registries/);
});

test("whoever signs beside a registry that keeps signatures itself is told that nobody looks there", {
  skip,
}, async () => {
  await using world = await signingWorld();
  const { registry, keys } = world;
  registry.features = { ...registry.features, signatures: { announced: "1", lists: new Map() } };
  registry.seed("vendor/app", "v1", makeImage());
  const image = world.at("vendor/app:v1");
  const bob = await world.policy("bob.json", { [registry.host]: signedBy(world.in("bob.pub")) });
  const verify = () => world.run("--policy", bob, "verify", "--tls-verify=false", image);
  const signed = await world.run("sign", "--tls-verify=false", "--sign-by", keys.bob, image);
  assert.equal(signed.exitCode, 0, signed.stderr);
  const advice = /amphora (signatures migrate --from lookaside --to api \S+:v1)/.exec(
    signed.stderr,
  );
  assert.ok(advice?.[1], signed.stderr);
  assert.equal((await verify()).exitCode, 1);
  await world.output(...advice[1].split(" "), "--tls-verify=false");
  assert.equal((await verify()).exitCode, 0);
});

test("a key is replaced without a gap", { skip }, async () => {
  await using world = await signingWorld();
  const { registry, keys } = world;
  registry.seed("team/app", "old", makeImage({ seed: 1 }));
  registry.seed("team/app", "new", makeImage({ seed: 2 }));
  const flag = "--tls-verify=false";
  await world.output("sign", flag, "--sign-by", keys.ann, world.at("team/app:old"));
  await world.output("sign", flag, "--sign-by", keys.bob, world.at("team/app:new"));
  const policy = await world.policy("policy.json", {
    [registry.host]: signedBy(world.in("ann.pub")),
  });
  const rotate = (...args: string[]) =>
    world.run(
      "--policy",
      policy,
      "trust",
      "rotate",
      flag,
      ...args,
      "ann.pub",
      "bob.pub",
      world.at("team/app"),
    );
  const keyPaths = async () => {
    const { transports } = JSON.parse((await readFile(policy)).toString());
    const { keyPath, keyPaths = [keyPath] } = transports.docker[registry.host][0];
    return keyPaths;
  };

  const overlap = await rotate();
  assert.equal(overlap.exitCode, 0, overlap.stderr);
  assert.deepEqual(await keyPaths(), [world.in("ann.pub"), world.in("bob.pub")]);
  assert.match(overlap.stdout, /team\/app:old: signed by the old key only/);
  assert.match(overlap.stdout, /team\/app:new: needs the old key no more/);

  const early = await rotate("--cut-over", "2999-01-01");
  assert.match(early.stdout, /The old key stays until 2999-01-01/);
  const tooSoon = await rotate("--cut-over", "now");
  assert.equal(tooSoon.exitCode, 1);
  assert.match(tooSoon.stderr, /Cannot cut over: 1 of 2 images are admitted by the old key only/);
  assert.equal((await keyPaths()).length, 2);

  const signed = await rotate("--sign-by", keys.bob, "--cut-over", "2020-01-01");
  assert.equal(signed.exitCode, 0, signed.stderr);
  assert.match(signed.stdout, /team\/app:old: signed anew/);
  assert.deepEqual(await keyPaths(), [world.in("bob.pub")]);
  await world.output("--policy", policy, "verify", flag, world.at("team/app:old"));
  const nothing = await rotate();
  assert.match(nothing.stdout, /nothing to do/);
  assert.deepEqual(JSON.parse((await rotate("--json")).stdout), {
    policy,
    added: 0,
    images: [],
    cutOver: false,
  });
  const noDay = await rotate("--cut-over", "2027-02-30");
  assert.match(noDay.stderr, /invalid --cut-over .*2027-02-30/);
  await writeFile(world.in("again.pub"), await readFile(world.in("bob.pub")));
  for (const same of ["bob.pub", "again.pub"]) {
    const itself = await world.run("--policy", policy, "trust", "rotate", "bob.pub", same);
    assert.match(itself.stderr, /Cannot replace a key by itself/);
  }
});

test("sigstore keys sign and are trusted, where attachments are on", { skip }, async () => {
  await using world = await signingWorld();
  const { registry, home } = world;
  registry.seed("made/app", "v1", makeImage());
  await writeFile(world.in("pass"), "geheim\n");
  const made = await world.output(
    "generate-sigstore-key",
    "--output-prefix",
    "k",
    "--passphrase-file",
    "pass",
  );
  assert.equal(made, 'Key written to "k.private" and "k.pub"\n');
  const copy = () =>
    world.run(
      ...["--insecure-policy", "copy", ...both, "--sign-by-sigstore-private-key", "k.private"],
      ...["--sign-passphrase-file", "pass", world.at("made/app:v1"), world.at("team/app:v1")],
    );
  const off = await copy();
  assert.match(
    off.stderr,
    /writing signatures: writing sigstore attachments is disabled by configuration/,
  );
  assert.equal(registry.store.open("team/app").manifests.size, 0);
  await home.write(
    ".config/containers/registries.d/default.yaml",
    "default-docker:\n  use-sigstore-attachments: true\n",
  );
  const on = await copy();
  assert.match(
    on.stdout,
    /Creating signature: Signing image using a sigstore signature\nStoring signatures\n$/,
    on.stderr,
  );
  const trusted = await world.policy("k.json", {
    [registry.host]: { type: "sigstoreSigned", keyPath: world.in("k.pub") },
  });
  await world.output("--policy", trusted, "copy", noTls, world.at("team/app:v1"), "dir:admitted");
  const shown = await world.output(
    "--policy",
    trusted,
    "trust",
    "explain",
    "--tls-verify=false",
    world.at("team/app:v1"),
  );
  assert.match(shown, /sigstoreSigned with .*k\.pub.* holds: signed by /);
  const none = await world.run(
    "--policy",
    trusted,
    "copy",
    noTls,
    world.at("made/app:v1"),
    "dir:refused",
  );
  assert.match(
    none.stderr,
    /Source image rejected: A signature was required, but no signature exists/,
  );
});

test("a signed name that is not the image's is refused, unless the policy takes it", {
  skip,
}, async () => {
  await using world = await signingWorld();
  const { registry, keys } = world;
  registry.seed("made/app", "v1", makeImage());
  const image = world.at("mirror/app:v1");
  await world.output(
    ...[
      "--insecure-policy",
      "copy",
      ...both,
      "--sign-by",
      keys.ann,
      "--sign-identity",
      "vendor.test/app:v1",
    ],
    ...[world.at("made/app:v1"), image],
  );
  const remap = {
    type: "remapIdentity",
    prefix: `${registry.host}/mirror`,
    signedPrefix: "vendor.test",
  };
  const plain = await world.policy("plain.json", {
    [registry.host]: signedBy(world.in("ann.pub")),
  });
  const remapped = await world.policy("remap.json", {
    [registry.host]: signedBy(world.in("ann.pub"), remap),
  });
  const no = await world.run("--policy", plain, "verify", "--tls-verify=false", image);
  assert.match(
    no.stderr,
    /Source image rejected: Signature for identity .*vendor\.test\/app:v1.* is not accepted/,
  );
  await world.output("--policy", remapped, "verify", "--tls-verify=false", image);
  const offline = await world.output("--policy", remapped, "copy", noTls, image, "dir:offline");
  assert.match(offline, /Storing signatures/);
  await world.output("--policy", remapped, "verify", "--as", image, "dir:offline");
});

test("standalone commands say which key is missing, and what of a file could not be read", {
  skip,
}, async () => {
  await using world = await signingWorld();
  using stranger = gpgHome();
  const key = generateKey(stranger, "eve@a.test", "ed25519");
  await writeFile(world.in("manifest"), "{}");
  const files = ["manifest", "a.test/x:1", key] as const;
  const env = { GNUPGHOME: stranger.path };
  const sign = ["standalone-sign", ...files, "-o", "sig"];
  const made = await world.home.run(sign, { cwd: world.in(), env });
  assert.equal(made.exitCode, 0, made.stderr);
  const unknown = await world.run("standalone-verify", ...files, "sig");
  assert.equal(unknown.exitCode, 1);
  assert.match(
    unknown.stderr,
    /Error verifying signature: Invalid GPG signature: made by key [0-9A-F]{16}, which is not in the keyring"/,
  );
  const none = await world.run("standalone-verify", ...files, "manifest");
  assert.match(none.stderr, /Error verifying signature: No data"/);
  const nowhere = await world.home.run(["standalone-verify", ...files, "sig"], {
    cwd: world.in(),
    env: { GNUPGHOME: world.in("nowhere") },
  });
  assert.match(nowhere.stderr, /Error initializing GPG: keyblock resource .*: No such file/);
  const folder = await world.run(...sign, "--passphrase-file", world.in());
  assert.match(folder.stderr, /msg="reading passphrase file: read .*: is a directory"/);
});
