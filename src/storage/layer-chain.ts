import { StorageError } from "./errors.ts";
import type { LayerRecord } from "./layer-record.ts";

/** The whole layers by their IDs. Of two with one ID the earlier counts. */
export function wholeLayers(records: Iterable<LayerRecord>): ReadonlyMap<string, LayerRecord> {
  const layers = new Map<string, LayerRecord>();
  for (const record of records) {
    if (!record.incomplete && !layers.has(record.id)) layers.set(record.id, record);
  }
  return layers;
}

/**
 * A layer and those below it, the lowest first.
 *
 * @throws {StorageError} `storage.parent-gone` where one of them is not there
 */
export function chainOf(
  layers: ReadonlyMap<string, LayerRecord>,
  top: string,
): readonly LayerRecord[] {
  const chain: LayerRecord[] = [];
  for (let id: string | undefined = top; id !== undefined; ) {
    const layer = layers.get(id);
    if (layer === undefined || chain.length > layers.size) throw parentGone(id);
    chain.push(layer);
    id = layer.parent;
  }
  return chain.reverse();
}

/** A layer is not there, or not any more. */
export function parentGone(id: string, cause?: unknown): StorageError {
  const message = `layer not known: ${id}`;
  return new StorageError("storage.parent-gone", message, { cause, retryable: true });
}
