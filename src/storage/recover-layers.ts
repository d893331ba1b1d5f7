import type { LayerEdit } from "./layer-edit.ts";
import { hasSpareLinks, removeLayerFiles, removeStrayLinks } from "./layer-files.ts";
import type { Trash } from "./trash.ts";

/** Removes what dead processes left of layers half made or half removed. Saves where there were any. */
export function recoverLayers(edit: LayerEdit, trash: Trash): void {
  const layers = edit.records();
  const ids = layers.flatMap((layer) => (layer.incomplete ? [layer.id] : []));
  if (ids.length > 0) {
    for (const id of ids) removeLayerFiles(edit.area, id, trash);
    edit.drop(new Set(ids));
    edit.save();
  }
  if (hasSpareLinks(edit.area, layers.length - ids.length)) removeStrayLinks(edit.area);
}
