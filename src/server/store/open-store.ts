import { join } from "node:path";
import { makeFolders } from "../../core/make-folders.ts";
import { errnoOf } from "../../layout/errors.ts";
import { BlobFiles } from "./blob-files.ts";
import { CachedBlobs } from "./cached-blobs.ts";
import { StoreDatabase } from "./database.ts";
import { defaultStoreSettings } from "./default-settings.ts";
import { StoreError, sqliteCodeOf } from "./errors.ts";
import { loadTryLock, type TryLock } from "./file-lock.ts";
import { FolderStore } from "./folder-store.ts";
import { checkFormat } from "./format-file.ts";
import { sweepUploads } from "./garbage.ts";
import { LayoutIndexes } from "./layout-indexes.ts";
import { ManifestMemory } from "./manifest-memory.ts";
import { OpenBlobs } from "./open-blobs.ts";
import { OpenWork } from "./open-work.ts";
import { readLayouts } from "./read-layouts.ts";
import { RecordChanges } from "./record-changes.ts";
import { Records } from "./records.ts";
import type { RegistryStore, RegistryStoreOptions } from "./registry-store.ts";
import { lockStore } from "./store-lock.ts";
import type { StoreParts } from "./store-parts.ts";
import { algorithms, StorePaths } from "./store-paths.ts";
import { StoreUpkeep } from "./store-upkeep.ts";
import { Uploads } from "./uploads.ts";
import { Uses } from "./uses.ts";

/**
 * Opens a folder as a registry; makes it where it is not there, or empty. What a process that died has left is put in order.
 * Other processes may have it open too. To be closed.
 *
 * @throws {StoreError} `registry-store.newer-format`, `registry-store.not-a-store`, `registry-store.unusable`
 */
export async function openRegistryStore(
  folder: string,
  options: RegistryStoreOptions,
): Promise<RegistryStore> {
  const paths = new StorePaths(folder);
  using opened = new DisposableStack();
  try {
    await makeStoreFolders(paths);
    await checkFormat(paths);
    const tryLock = await loadTryLock();
    const lock = opened.use(await lockStore(join(folder, "registry.lock"), tryLock));
    const database = opened.adopt(openDatabase(paths), (database) => database.close());
    const parts = assembleParts({ paths, database, tryLock, options });
    const cachedBlobs = new CachedBlobs(parts);
    await sweepUploads(parts);
    if (lock.alone) await cachedBlobs.dropUnsafe();
    if (lock.alone && !database.isWhole) await readLayouts(parts, cachedBlobs);
    lock.share();
    const uploads = new Uploads({ ...parts, limits: parts.settings });
    await uploads.recount();
    const upkeep = new StoreUpkeep(parts, uploads, cachedBlobs, opened.move());
    upkeep.start();
    return new FolderStore({ parts, cachedBlobs, uploads, upkeep });
  } catch (error) {
    throw unusable(folder, error);
  }
}

async function makeStoreFolders(paths: StorePaths): Promise<void> {
  await makeFolders(paths.uploads);
  await makeFolders(paths.repositories);
  for (const algorithm of algorithms) await makeFolders(join(paths.blobs, algorithm));
}

function openDatabase(paths: StorePaths): StoreDatabase {
  return new StoreDatabase(paths.database);
}

interface Assembling {
  readonly paths: StorePaths;
  readonly database: StoreDatabase;
  readonly tryLock: TryLock;
  readonly options: RegistryStoreOptions;
}

function assembleParts({ paths, database, tryLock, options }: Assembling): StoreParts {
  const { domain, report = () => {} } = options;
  const now = () => Math.floor(options.now());
  const settings = { ...defaultStoreSettings, ...options.settings };
  const blobs = new BlobFiles(paths);
  return {
    ...{ paths, database, tryLock, domain, now, report, settings, blobs },
    records: new Records(database),
    changes: new RecordChanges(database),
    openBlobs: new OpenBlobs(blobs),
    memory: new ManifestMemory(settings.manifestMemoryBytes),
    indexes: new LayoutIndexes({ database, paths, tryLock, report }),
    uses: new Uses(database),
    work: new OpenWork(),
  };
}

function unusable(folder: string, error: unknown): unknown {
  if (errnoOf(error) === undefined && sqliteCodeOf(error) === undefined) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreError("registry-store.unusable", `Cannot use ${folder}: ${reason}`, {
    cause: error,
  });
}
