import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { readDatabaseFile } from "./database-file.ts";
import { type ImageRecord, type ImageRow, imageRecord, imageRecords } from "./image-record.ts";

/** The images of one area as they are now. */
export class ImageTable {
  readonly area: StoreArea;
  readonly path: string;
  readonly rows: readonly ImageRow[];
  readonly records: readonly ImageRecord[];

  private constructor(area: StoreArea, path: string, rows: readonly ImageRow[]) {
    this.area = area;
    this.path = path;
    this.rows = rows;
    this.records = rows.map((row) => imageRecord(row, area));
  }

  /**
   * Reads without a lock: the file is replaced as a whole.
   *
   * @throws {StorageError} `storage.unreadable`, `storage.invalid`
   */
  static read(area: StoreArea): ImageTable {
    const path = join(area.images, "images.json");
    return new ImageTable(area, path, imageRecords.parse(readDatabaseFile(path), path));
  }
}
