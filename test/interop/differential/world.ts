import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeArtifact, makeImage, makeIndex, makeMultiArch } from "../../support/images.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { makeSchema1 } from "../../support/schema1.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";
import { plantHostile } from "./hostile.ts";
import { writeDir, writeLayout } from "./layouts.ts";

/** What one program sees: a home, files, and registries, alike for each program. */
export interface World extends AsyncDisposable {
  readonly folder: TempFolder;
  /** Open to all; full of images, good and bad. */
  readonly registry: Registry;
  /** Wants `ann:secret`. */
  readonly guarded: Registry;
  readonly env: Readonly<Record<string, string>>;
  /** A path inside the working folder, where the program is started. */
  in(...names: readonly string[]): string;
  /** Below the world's folder, not the working one. */
  write(path: string, text: string | Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
}

/** The images that every world holds, by `repository:tag`. */
export const images = {
  docker: makeImage({ seed: 1, labels: { "a.b/c": "<x> & y", maintainer: "ann" } }),
  oci: makeImage({ seed: 2, type: "oci", annotations: { note: "n & m" } }),
  zstd: makeImage({ seed: 3, type: "oci", compression: "zstd" }),
  plain: makeImage({ seed: 4, type: "oci", compression: "none" }),
  empty: makeImage({ seed: 5, layers: 0 }),
  sha512: makeImage({ seed: 6, type: "oci", algorithm: "sha512" }),
  list: makeMultiArch({ seed: 7 }),
  index: makeMultiArch({ seed: 8, type: "oci" }),
  schema1: makeSchema1("made/schema1", "v1"),
  artifact: makeArtifact("application/x-thing", Buffer.from("a thing")),
  emptyIndex: makeIndex([], { type: "oci" }),
} as const;

/** Builds a world. All its bytes are the same each time; only ports and the folder's name differ. */
export async function makeWorld(): Promise<World> {
  const folder = await tempFolder();
  const registry = await startRegistry();
  const users = { ann: "secret" };
  const guarded = await startRegistry({ access: { kind: "basic", users } });
  const world: World = {
    folder,
    registry,
    guarded,
    env: {
      HOME: folder.in("home"),
      XDG_RUNTIME_DIR: folder.in("run"),
      TMPDIR: folder.in("tmp"),
      NO_PROXY: "127.0.0.1",
    },
    in: (...names) => folder.in("work", ...names),
    async write(path, text) {
      await mkdir(dirname(folder.in(path)), { recursive: true });
      await writeFile(folder.in(path), text);
    },
    remove: (path) => rm(folder.in(path)),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await guarded[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
  await furnish(world);
  return world;
}

async function furnish(world: World): Promise<void> {
  const { folder, registry, guarded } = world;
  for (const name of ["home", "run", "tmp", "work"]) await mkdir(folder.in(name));
  const config = "home/.config/containers";
  await world.write(`${config}/policy.json`, '{"default":[{"type":"insecureAcceptAnything"}]}');
  await world.write(`${config}/registries.conf`, "");
  for (const [name, image] of Object.entries(images)) registry.seed(`made/${name}`, "v1", image);
  for (const tag of ["v10", "v2", "latest", "a_b.c-d"])
    registry.seed("made/docker", tag, images.docker);
  guarded.seed("private/thing", "v1", images.docker);
  await writeLayout(world.in("layout"), { v1: images.oci, list: images.index });
  await writeLayout(world.in("single"), { only: images.zstd });
  await writeDir(world.in("dir"), images.docker);
  await writeDir(world.in("dirlist"), images.list);
  await world.write("work/schema2.json", images.docker.bytes);
  await world.write("work/list.json", images.list.bytes);
  await world.write("work/schema1.json", images.schema1.bytes);
  await world.write("work/garbage.json", "{ no json");
  await world.write("work/empty.json", "");
  plantHostile(registry);
}
