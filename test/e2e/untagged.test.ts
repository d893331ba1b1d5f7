import assert from "node:assert/strict";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";

const image = makeImage({ seed: 170 });

test("a reference with neither tag nor digest never stands for latest", async () => {
  await using registry = await startRegistry();
  await using home = await cliHome();
  registry.seed("made/it", "latest", image);
  const name = `docker://${registry.host}/made/it@@unknown-digest@@`;
  for (const line of [
    ["delete", "--tls-verify=false", name],
    ["inspect", "--tls-verify=false", name],
    ["copy", "--src-tls-verify=false", name, `dir:${home.folder.in("out")}`],
  ]) {
    const { exitCode, stderr } = await home.run(line);
    assert.equal(exitCode, 1, stderr);
  }
  const repository = registry.store.open("made/it");
  assert.deepEqual([...repository.tags.keys()], ["latest"]);
  assert.equal(repository.manifests.size, 1);
});
