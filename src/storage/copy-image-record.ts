import type { StoreArea } from "./area.ts";
import { StorageError } from "./errors.ts";
import { writeImageData } from "./image-data.ts";
import type { ImageEdit } from "./image-edit.ts";
import { ImageTable } from "./image-table.ts";
import { readImageData } from "./read-side.ts";

/**
 * Copies an image's record and data out of an additional store, with these names instead of its own: there it cannot be
 * changed. Its layers stay where they are.
 *
 * @throws {StorageError} `storage.not-found` where no store has it
 */
export function copyImageRecord(
  edit: ImageEdit,
  id: string,
  others: readonly StoreArea[],
  names: readonly string[],
): void {
  const tables = others.map((area) => ImageTable.read(area));
  const table = tables.find(({ records }) => records.some((image) => image.id === id));
  const image = table?.records.find((each) => each.id === id);
  const row = table?.rows.find(({ values }) => values.id === id);
  if (image === undefined || row === undefined)
    throw new StorageError("storage.not-found", `${id}: image not known`);
  const data = new Map<string, Uint8Array>();
  for (const key of image.dataNames) {
    const bytes = readImageData(image, key);
    if (bytes) data.set(key, bytes);
  }
  writeImageData(edit, id, data, () => {
    edit.copy(row);
    edit.change(id, { names: [] });
    edit.name(id, names);
    return edit.prepare();
  });
}
