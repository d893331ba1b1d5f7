import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { dataFileName } from "./data-name.ts";
import { StorageError, unless, writing } from "./errors.ts";
import type { ImageEdit } from "./image-edit.ts";
import type { ImageRecord } from "./image-record.ts";
import type { PreparedFile } from "./prepared-file.ts";

/**
 * Writes items of an image's data, and their record. First all of it gets on the disk, then all gets its names, so that data and
 * record go together unless we die in that very moment. Where a new image's data cannot be recorded it is removed.
 *
 * @throws {StorageError} `storage.unwritable`
 */
export function writeImageData(
  { area, drafts }: ImageEdit,
  id: string,
  data: ReadonlyMap<string, Uint8Array>,
  prepareRecord: () => PreparedFile,
): void {
  const folder = area.imageData(id);
  using prepared = new DisposableStack();
  const files = [...data].flatMap(([key, bytes]) => {
    const path = join(folder, fileName(key));
    return isSame(path, bytes) ? [] : [prepared.use(drafts.prepare(path, bytes))];
  });
  const record = prepared.use(prepareRecord());
  const isNew = makeFolder(folder);
  try {
    for (const file of [...files, record]) file.place();
  } catch (error) {
    if (isNew) rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Whether there is data of images that are not recorded: somebody died before that, or while removing one. */
export function hasStrayImageData(area: StoreArea, images: readonly ImageRecord[]): boolean {
  return strayImageData(area, images).length > 0;
}

/** Removes it. Under the exclusive lock of the images. */
export function removeStrayImageData(edit: ImageEdit): void {
  const { area } = edit;
  for (const id of strayImageData(area, edit.records())) {
    const folder = area.imageData(id);
    writing("unlink", folder, () => rmSync(folder, { recursive: true, force: true }));
  }
}

/** Nothing where no image is recorded at all: then it may be the records that are missing. */
function strayImageData(area: StoreArea, images: readonly ImageRecord[]): readonly string[] {
  if (images.length === 0) return [];
  const known = new Set(images.map(({ id }) => id));
  const names = unless(["ENOENT", "EACCES"], () => readdirSync(area.images)) ?? [];
  return names.filter((name) => /^[0-9a-f]{64}$/.test(name) && !known.has(name));
}

/** False where it was there already. */
function makeFolder(folder: string): boolean {
  return writing("mkdir", folder, () => {
    const made = unless(["EEXIST"], () => {
      mkdirSync(folder, { mode: 0o700 });
      return true;
    });
    return made === true;
  });
}

function fileName(key: string): string {
  const name = dataFileName(key);
  if (name !== undefined) return name;
  throw new StorageError(
    "storage.unsupported",
    `no file can be named after ${JSON.stringify(key)}`,
  );
}

function isSame(path: string, bytes: Uint8Array): boolean {
  const there = unless(["ENOENT"], () => readFileSync(path));
  return there?.equals(bytes) === true;
}
