import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { assertSecretStayed } from "../support/canary.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { type QuirkName, quirkNames, startQuirk, takesOciOnly } from "../support/quirks.ts";
import { startRegistry } from "../support/registry.ts";

suite("copy() pushes to and pulls from a registry that behaves like", { concurrency: 4 }, () => {
  for (const name of quirkNames) test(name, { timeout: 300_000 }, () => pushAndPull(name));
});

async function pushAndPull(name: QuirkName): Promise<void> {
  await using quirk = await startQuirk(name);
  await using plain = await startRegistry();
  const { registry, elsewhere, credentials } = quirk;
  const image = makeImage({
    seed: 90,
    type: takesOciOnly(name) ? "oci" : "docker",
    layerBytes: 200_000,
  });
  plain.seed("from", "v1", image);
  const [username = "", password = ""] = (credentials ?? "").split(":");
  const known = credentials ? { [registry.host]: { username, password } } : {};
  const there = `docker://${registry.host}/made/before`;
  for (const [from, to] of [
    [`docker://${plain.host}/from:v1`, `${there}:v1`],
    // Now that all is there, under another tag, and with it back again.
    [`${there}:v1`, `${there}:v2`],
    [`${there}:v2`, `docker://${plain.host}/to:v1`],
  ] as const) {
    await using engine = new Engine({ credentials: known });
    assert.equal(await engine.copy(from, to), image.digest, `${from} to ${to}`);
  }
  const back = plain.store.open("to");
  assert.equal(back.resolve("v1"), image.digest);
  for (const digest of image.blobs.keys()) assert.ok(back.blobs.has(digest));
  if (password !== "") assertSecretStayed(password, [elsewhere.log, plain.log], []);
  for (const entry of elsewhere.log.entries) assert.equal(entry.headers.authorization, undefined);
}
