import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { dataFileName } from "./data-name.ts";
import { StorageError, unless, writing } from "./errors.ts";
import { PreparedFile } from "./replace-file.ts";

/**
 * Writes items of an image's data, and their record. First all of it gets on the disk, then all gets its names, so that data and
 * record go together unless we die in that very moment. Where a new image's data cannot be recorded it is removed.
 *
 * @throws {StorageError} `storage.unwritable`
 */
export function writeImageData(
  area: StoreArea,
  id: string,
  data: ReadonlyMap<string, Uint8Array>,
  prepareRecord: () => PreparedFile,
): void {
  const folder = area.imageData(id);
  const isNew = makeFolder(folder);
  using prepared = new DisposableStack();
  try {
    const files = [...data].flatMap(([key, bytes]) => {
      const path = join(folder, fileName(key));
      return isSame(path, bytes) ? [] : [prepared.use(new PreparedFile(path, bytes))];
    });
    const record = prepared.use(prepareRecord());
    for (const file of [...files, record]) file.place();
  } catch (error) {
    if (isNew) rmSync(folder, { recursive: true, force: true });
    throw error;
  }
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
