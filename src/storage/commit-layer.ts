import type { Clock } from "./clock.ts";
import { incomplete, type LayerEdit } from "./layer-edit.ts";
import { placeLayer, removeLayerFiles, setRootAttributes } from "./layer-files.ts";
import type { LayerRecord } from "./layer-record.ts";
import type { NewLayer, StagedLayer } from "./store.ts";
import { goTimeOf } from "./times.ts";
import type { Trash } from "./trash.ts";

/** What a layer is committed with: the store's layers, under the exclusive lock. */
export interface CommitScene {
  readonly edit: LayerEdit;
  readonly parent: LayerRecord | undefined;
  readonly trash: Trash;
  readonly clock: Clock;
  readonly ignoreChownErrors: boolean;
}

/**
 * Makes a layer of what was staged. On the way its record says that it is incomplete, so that whatever a crash leaves will be
 * removed by the next tool.
 */
export function commitLayer(staged: StagedLayer, layer: NewLayer, scene: CommitScene): void {
  const { edit, parent, trash, clock } = scene;
  const { area } = edit;
  const ids = new Set([layer.id]);
  if (area.driver === "overlay" && !layer.rootSet)
    setRootAttributes(staged.folder, parent, scene.ignoreChownErrors);
  const created = goTimeOf(clock());
  edit.add({ id: layer.id, parent: layer.parent ?? "", created, flags: incomplete });
  try {
    edit.save();
    placeLayer(area, layer.id, parent, staged, trash);
    edit.change(ids, recordOf(layer));
    edit.save();
  } catch (error) {
    // Where this fails too, the record says that the layer is incomplete.
    removeLayerFiles(area, layer.id, trash);
    edit.drop(ids);
    edit.save();
    throw error;
  }
}

function recordOf(layer: NewLayer) {
  return {
    "compressed-diff-digest": layer.compressedDigest,
    "compressed-size": BigInt(layer.compressedSize),
    "diff-digest": layer.diffId,
    "diff-size": BigInt(layer.diffSize),
    compression: BigInt(layer.compression),
    uidset: sorted(layer.uids),
    gidset: sorted(layer.gids),
    flags: null,
  };
}

function sorted(numbers: readonly number[]): readonly bigint[] {
  return [...new Set(numbers)].sort((a, b) => a - b).map(BigInt);
}
