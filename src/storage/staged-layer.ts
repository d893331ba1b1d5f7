import type { StoreArea } from "./area.ts";
import type { CopyTreeOptions } from "./copy-tree/copy-tree.ts";
import { errnoOf, unwritable } from "./errors.ts";
import { parentGone } from "./layer-chain.ts";
import type { LayerRecord } from "./layer-record.ts";
import { createStagingPool } from "./staging-pool.ts";
import type { StagedLayer } from "./store.ts";

/** A staged layer that goes with its own pool. */
export async function createStagedLayer(area: StoreArea, anyOwner: boolean): Promise<StagedLayer> {
  await using stack = new AsyncDisposableStack();
  const pool = stack.use(await createStagingPool(area, anyOwner));
  const { folder, tarSplit } = await pool.stageLayer();
  const held = stack.move();
  return { folder, tarSplit, [Symbol.asyncDispose]: () => held.disposeAsync() };
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
  const { copyTree } = await import("./copy-tree/copy-tree.ts");
  const tree = parent.area.tree(parent.id);
  try {
    return await copyTree(tree, folder, options);
  } catch (error) {
    throw errnoOf(error) === "ENOENT"
      ? parentGone(parent.id, error)
      : unwritable(error, "copy", tree);
  }
}
