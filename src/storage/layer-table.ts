import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { readDatabaseFile } from "./database-file.ts";
import { type LayerRecord, type LayerRow, layerRecord, layerRecords } from "./layer-record.ts";

/** One file of layers. */
export interface LayerFile {
  readonly path: string;
  readonly rows: readonly LayerRow[];
}

/** The layers of one area as they are now: those that last, and those that a restart may take (`volatile`). */
export class LayerTable {
  readonly area: StoreArea;
  readonly files: readonly LayerFile[];
  /** All, half-made ones too. */
  readonly records: readonly LayerRecord[];

  private constructor(area: StoreArea, files: readonly LayerFile[]) {
    this.area = area;
    this.files = files;
    this.records = files.flatMap(({ rows }) => rows.map((row) => layerRecord(row, area)));
  }

  /**
   * Reads without a lock: each file is replaced as a whole. Whoever will change something reads again under the lock.
   *
   * @param runroot where layers of containers may be recorded that live until a restart (`transient_store`)
   * @throws {StorageError} `storage.unreadable`, `storage.invalid`
   */
  static read(area: StoreArea, runroot?: string): LayerTable {
    const transient = runroot === undefined ? [] : [join(runroot, `${area.driver}-layers`)];
    const paths = [
      join(area.layers, "layers.json"),
      ...[area.layers, ...transient].map((folder) => join(folder, "volatile-layers.json")),
    ];
    const files = paths.map((path) => ({
      path,
      rows: layerRecords.parse(readDatabaseFile(path), path),
    }));
    return new LayerTable(area, files);
  }
}
