import type { StoreArea } from "./area.ts";
import { StorageError } from "./errors.ts";
import { writeImageData } from "./image-data.ts";
import type { ImageEdit } from "./image-edit.ts";
import { ImageTable } from "./image-table.ts";
import { readImageData } from "./read-side.ts";

/**
 * Copies an image's record and data out of an additional store, so that it can be changed here. Its layers stay where they
 * are. Not saved yet when `then` is run, which is to do so.
 *
 * @throws {StorageError} `storage.not-found` where no store has it
 */
export function copyImageRecord(
  edit: ImageEdit,
  id: string,
  others: readonly StoreArea[],
  then: () => void,
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
  writeImageData(edit.area, id, data, () => {
    edit.copy(row);
    edit.change(id, { names: [] });
    then();
  });
}
