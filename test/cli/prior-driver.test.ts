import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { cliHome } from "../support/run-cli.ts";

const skip = process.getuid?.() === 0 ? false : "a user's own store has a driver of its own";

test("called as skopeo, a store's driver is told of once, where only the store shows it", {
  skip,
}, async () => {
  await using home = await cliHome();
  const root = home.folder.in("g");
  const conf = home.folder.in("storage.conf");
  const env = { CONTAINERS_STORAGE_CONF: conf };
  const line = /level=info msg="\[graphdriver\] using prior storage driver: overlay"\n/g;
  const said = async (driver: string, as: "amphora" | "skopeo") => {
    const text = `[storage]\n${driver}graphroot = "${root}"\nrunroot = "${home.folder.in("r")}"\n`;
    await writeFile(conf, text);
    const words = ["copy", "containers-storage:a", "containers-storage:b"];
    const { stderr } = await home.run(words, { as, env });
    return [...stderr.matchAll(line)].length;
  };
  await mkdir(root);
  assert.equal(await said("", "skopeo"), 0);
  await mkdir(`${root}/overlay`, { recursive: true });
  assert.equal(await said("", "skopeo"), 1);
  assert.equal(await said("", "amphora"), 0);
  assert.equal(await said('driver = "overlay"\n', "skopeo"), 0);
});
