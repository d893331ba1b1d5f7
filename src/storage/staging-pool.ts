import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { errnoOf, writing } from "./errors.ts";
import { InstanceFolder } from "./instance-folder.ts";
import { setRootAttributes } from "./layer-files.ts";
import { removeTree } from "./remove-tree.ts";
import type { StagedLayer, StagingPool } from "./store.ts";
import { stagingFolders } from "./tidy-store.ts";

/**
 * Two folders that go with us, for any number of layers: one on the way to the trees, one on the way to the files of layers. Of
 * vfs, a layer's root folder has what an image's first layer has: others get their parent's with its tree.
 *
 * @param anyOwner as for {@link setRootAttributes}
 */
export async function createStagingPool(area: StoreArea, anyOwner: boolean): Promise<StagingPool> {
  await using stack = new AsyncDisposableStack();
  const [ofTrees, ofFiles] = stagingFolders(area);
  const trees = stack.use(InstanceFolder.create(ofTrees));
  const files = stack.use(InstanceFolder.create(ofFiles));
  const held = stack.move();
  let count = 0;
  return {
    folders: [trees.path, files.path],
    async stageLayer() {
      const name = `${count++}-addition`; // the Go library's
      const staged = { folder: join(trees.path, name), tarSplit: join(files.path, name) };
      writing("mkdir", staged.folder, () => mkdirSync(staged.folder, { mode: 0o700 }));
      if (area.driver === "vfs") setRootAttributes(staged.folder, undefined, anyOwner);
      return { ...staged, [Symbol.asyncDispose]: () => removeStaged(staged) };
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** What cannot be removed now is when the pool is, or when its process is gone. */
async function removeStaged({ folder, tarSplit }: Pick<StagedLayer, "folder" | "tarSplit">) {
  try {
    await removeTree(folder);
    rmSync(tarSplit, { force: true });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
