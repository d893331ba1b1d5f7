import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import type { CopyTreeOptions } from "./copy-tree.ts";
import { errnoOf, unwritable, writing } from "./errors.ts";
import { InstanceFolder } from "./instance-folder.ts";
import { parentGone } from "./layer-chain.ts";
import { setRootAttributes } from "./layer-files.ts";
import type { LayerRecord } from "./layer-record.ts";
import type { StagedLayer } from "./store.ts";
import { stagingFolders } from "./tidy-store.ts";

/** The name that the Go library gives what it stages. */
const stagedName = "0-addition";

/**
 * Two folders that go with us, one on the way to the trees, one on the way to the files of layers. Of vfs, the root folder has
 * what an image's first layer has: others get their parent's with its tree.
 *
 * @param anyOwner as for {@link setRootAttributes}
 */
export async function createStagedLayer(area: StoreArea, anyOwner: boolean): Promise<StagedLayer> {
  const [trees, files] = stagingFolders(area);
  await using stack = new AsyncDisposableStack();
  const ofTree = stack.use(InstanceFolder.create(trees));
  const ofFile = stack.use(InstanceFolder.create(files));
  const folder = join(ofTree.path, stagedName);
  writing("mkdir", folder, () => mkdirSync(folder, { mode: 0o700 }));
  if (area.driver === "vfs") setRootAttributes(folder, undefined, anyOwner);
  const held = stack.move();
  return {
    folder,
    tarSplit: join(ofFile.path, stagedName),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/**
 * Copies the parent's tree below what is staged. @returns false where the two do not fit
 *
 * @throws {StorageError} `storage.parent-gone`
 */
export async function layBelow(
  { folder }: StagedLayer,
  parent: LayerRecord,
  options: CopyTreeOptions,
): Promise<boolean> {
  const { copyTree } = await import("./copy-tree.ts");
  const tree = parent.area.tree(parent.id);
  try {
    return await copyTree(tree, folder, options);
  } catch (error) {
    throw errnoOf(error) === "ENOENT"
      ? parentGone(parent.id, error)
      : unwritable(error, "copy", tree);
  }
}
