import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { skipUnprivileged, startPodman } from "../support/podman.ts";
import { signedBy, signingWorld } from "../support/signing-world.ts";
import { WebFolder } from "../support/web-folder.ts";

const skip = skipWithout("gpg", "podman") || skipUnprivileged();

/** Puts what one company signed onto its web server. */
async function publish(folder: string, web: WebFolder): Promise<void> {
  for await (const file of glob("**/signature-*", { cwd: folder }))
    web.files.set(`/${file}`, await readFile(`${folder}/${file}`));
}

test("a policy that needs two companies admits with both, and with neither taken away", {
  skip,
}, async () => {
  await using world = await signingWorld();
  await using maker = await WebFolder.start();
  await using auditor = await WebFolder.start();
  await using podman = await startPodman();
  const { registry, home, keys } = world;
  registry.seed("vendor/app", "v1", makeImage());
  const image = world.at("vendor/app:v1");
  for (const [key, folder, web] of [
    [keys.ann, "maker", maker],
    [keys.bob, "auditor", auditor],
  ] as const) {
    await world.output("sign", "--tls-verify=false", "-d", folder, "--sign-by", key, image);
    await publish(world.in(folder), web);
  }
  // The standard has one look-aside for a scope; ours takes more, in a file that others leave alone.
  const registriesD = ".config/containers/registries.d";
  await home.write(
    `${registriesD}/default.yaml`,
    `default-docker:\n  lookaside: ${maker.origin}\n`,
  );
  await home.write(
    `${registriesD}/more.x-amphora.yml`,
    `default-docker:\n  more-lookasides: [${auditor.origin}]\n`,
  );
  const policy = await world.policy("both.json", {
    [registry.host]: [signedBy(world.in("ann.pub")), signedBy(world.in("bob.pub"))],
  });

  /** What podman says with all that can be had of the two, gathered in one place. */
  const podmanPulls = async (name: string) => {
    const gathered = `file://${world.in(name)}`;
    for (const url of [maker.origin, auditor.origin])
      await world.output(
        "signatures",
        "migrate",
        "--tls-verify=false",
        "--from",
        url,
        "--to",
        gathered,
        image,
      );
    await podman.configure(
      "registries.d/default.yaml",
      `default-docker:\n  lookaside: ${gathered}\n`,
    );
    return await podman.pull(policy, image);
  };
  const weVerify = () => world.run("--policy", policy, "verify", "--tls-verify=false", image);

  const both = await weVerify();
  assert.equal(both.exitCode, 0, both.stderr);
  const pulled = await podmanPulls("gathered");
  assert.equal(pulled.exitCode, 0, pulled.stderr);

  for (const [name, web] of [
    ["maker", maker],
    ["auditor", auditor],
  ] as const) {
    const files = new Map(web.files);
    web.files.clear();
    const ours = await weVerify();
    assert.equal(ours.exitCode, 1, `without the ${name}: ${ours.stdout}`);
    assert.match(
      ours.stderr,
      /Source image rejected: (Invalid GPG signature: made by key|A signature was required)/,
    );
    const theirs = await podmanPulls(`without-${name}`);
    assert.notEqual(theirs.exitCode, 0, `podman without the ${name}`);
    assert.match(
      theirs.stderr,
      /Source image rejected: (Invalid GPG signature|None of the signatures)/,
    );
    for (const [path, bytes] of files) web.files.set(path, bytes);
  }

  maker.options = { answer: () => ({ status: 500 }) };
  const down = await weVerify();
  assert.equal(down.exitCode, 1);
  assert.match(down.stderr, /500 Internal Server Error/);
});
