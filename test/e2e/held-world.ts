import assert from "node:assert/strict";
import { makeImage, makeMultiArch } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";

/** An image and a list at a registry, to be copied to a place under their names. */
export async function heldWorld(type: "docker" | "oci", placeOf: (folder: string) => string) {
  const registry = await startRegistry();
  const home = await cliHome();
  registry.seed("made", "image", makeImage({ seed: 8, type }));
  registry.seed("made", "list", makeMultiArch({ seed: 9, type }));
  const place = placeOf(home.folder.in("there"));
  const copy = async (image: string, ...flags: readonly string[]) => {
    registry.log.clear();
    const ends = [`docker://${registry.host}/made:${image}`, `${place}:${image}`];
    const run = await home.run(["copy", "--src-tls-verify=false", ...flags, ...ends]);
    assert.equal(run.exitCode, 0, run.stderr);
    return { ...run, asked: registry.log.trace() };
  };
  return {
    registry,
    home,
    copy,
    folderOf: (image: string) => home.folder.in(`there:${image}`),
    layout: home.folder.in("there"),
    async [Symbol.asyncDispose]() {
      await home[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}
