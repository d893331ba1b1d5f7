import type { Digest } from "../../core/digest.ts";
import type { BlobFiles } from "./blob-files.ts";
import type { StoreDatabase } from "./database.ts";
import type { TryLock } from "./file-lock.ts";
import type { LayoutIndexes } from "./layout-indexes.ts";
import type { ManifestMemory } from "./manifest-memory.ts";
import type { OpenBlobs } from "./open-blobs.ts";
import type { OpenWork } from "./open-work.ts";
import type { RecordChanges } from "./record-changes.ts";
import type { Records } from "./records.ts";
import type { StoreEvent, StoreSettings } from "./registry-store.ts";
import type { StorePaths } from "./store-paths.ts";
import type { Uses } from "./uses.ts";

/** What the rooms of an open store share. */
export interface StoreParts {
  readonly paths: StorePaths;
  readonly database: StoreDatabase;
  readonly records: Records;
  readonly changes: RecordChanges;
  readonly blobs: BlobFiles;
  readonly openBlobs: OpenBlobs;
  readonly memory: ManifestMemory;
  readonly indexes: LayoutIndexes;
  readonly uses: Uses;
  readonly work: OpenWork;
  readonly tryLock: TryLock;
  readonly settings: Required<StoreSettings>;
  readonly domain: string;
  readonly now: () => number;
  readonly report: (event: StoreEvent) => void;
}

/** A repository by both of its names. */
export interface RepositoryKey {
  readonly id: number;
  readonly name: string;
}

/** A blob of a repository. */
export interface BlobKey {
  readonly repository: RepositoryKey;
  readonly digest: Digest;
}
