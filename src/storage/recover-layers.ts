import type { LayerEdit } from "./layer-edit.ts";
import { removeLayerFiles } from "./layer-files.ts";
import type { Trash } from "./trash.ts";

/** Removes the layers that dead processes left half made or half removed. Saves where there were any. */
export function removeIncompleteLayers(edit: LayerEdit, trash: Trash): void {
  const ids = edit.records().flatMap((layer) => (layer.incomplete ? [layer.id] : []));
  if (ids.length === 0) return;
  for (const id of ids) removeLayerFiles(edit.area, id, trash);
  edit.drop(new Set(ids));
  edit.save();
}
