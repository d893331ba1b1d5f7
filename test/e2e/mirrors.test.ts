import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSecretStayed } from "../support/canary.ts";
import { makeImage } from "../support/images.ts";
import { refuse } from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

const image = makeImage({ seed: 150, layerBytes: 50_000 });
const secret = "canary-of-the-registry";

/** A home in which `HOST/app` has these mirrors, and its own place at `own`. */
async function homeWith(
  own: Registry,
  mirrors: readonly Registry[],
  host = "example.com",
): Promise<CliHome> {
  const home = await cliHome();
  const lines = [
    `[[registry]]\nprefix = "${host}/app"\nlocation = "${own.host}/app"\ninsecure = true`,
    ...mirrors.map(
      (mirror) => `[[registry.mirror]]\nlocation = "${mirror.host}/cache"\ninsecure = true`,
    ),
  ];
  await home.write(".config/containers/registries.conf", `${lines.join("\n")}\n`);
  return home;
}

function pull(home: CliHome, flags: readonly string[] = [], host = "example.com") {
  const to = `dir:${home.folder.in("out")}`;
  return home.run(["copy", "-q", ...flags, `docker://${host}/app/thing:v1`, to]);
}

test("an image comes from the first mirror that has it, and the registry is not asked", async () => {
  await using own = await startRegistry();
  await using empty = await startRegistry();
  await using full = await startRegistry();
  full.seed("cache/thing", "v1", image);
  await using home = await homeWith(own, [empty, full]);
  const { exitCode, stderr } = await pull(home);
  assert.equal(exitCode, 0, stderr);
  assert.ok(empty.log.entries.length > 0);
  assert.deepEqual(own.log.entries, []);
});

test("an image comes from its own registry where no mirror has it", async () => {
  await using own = await startRegistry();
  await using broken = await startRegistry();
  await using empty = await startRegistry();
  own.seed("app/thing", "v1", image);
  broken.behave({ fault: refuse(403, { code: "DENIED" }), times: Number.POSITIVE_INFINITY });
  await using home = await homeWith(own, [broken, empty]);
  const { exitCode, stderr } = await pull(home);
  assert.equal(exitCode, 0, stderr);
  assert.equal(own.log.of("GET blob").length, 4);
});

test("credentials of the command line are for the host that was named, never for its mirrors", async () => {
  const users = { ann: secret };
  await using own = await startRegistry({ access: { kind: "basic", users } });
  await using mirror = await startRegistry({ access: { kind: "basic", users } });
  own.seed("app/thing", "v1", image);
  mirror.seed("cache/thing", "v1", image);
  await using home = await homeWith(own, [mirror], own.host);
  const flags = ["--src-creds", `ann:${secret}`];
  const { exitCode, stderr } = await pull(home, flags, own.host);
  assert.equal(exitCode, 0, stderr);
  assertSecretStayed(secret, [own.log, mirror.log], [own.origin]);
});

test("each mirror gets the credentials that are stored for it", async () => {
  const users = { ann: secret };
  await using own = await startRegistry();
  await using mirror = await startRegistry({ access: { kind: "basic", users } });
  mirror.seed("cache/thing", "v1", image);
  await using home = await homeWith(own, [mirror]);
  const auth = Buffer.from(`ann:${secret}`).toString("base64");
  await home.write(
    ".config/containers/auth.json",
    JSON.stringify({ auths: { [`${mirror.host}/cache`]: { auth } } }),
  );
  const { exitCode, stderr } = await pull(home);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(own.log.entries, []);
  assertSecretStayed(secret, [own.log, mirror.log], [mirror.origin]);
});
