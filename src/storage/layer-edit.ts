import type { StoreArea } from "./area.ts";
import type { Drafts } from "./drafts.ts";
import { type LayerRecord, type LayerRow, layerRecord, layerRecords } from "./layer-record.ts";
import { LayerTable } from "./layer-table.ts";
import { formatRows } from "./record-type.ts";
import type { StoreLock } from "./store-lock.ts";

type LayerValues = Partial<LayerRow["values"]>;

interface EditedFile {
  readonly path: string;
  rows: readonly LayerRow[];
  changed: boolean;
}

/** What marks a layer as half made or half removed: whoever reads it under the exclusive lock removes it (spec 8.1). */
export const incomplete: LayerRow["values"]["flags"] = new Map([["incomplete", true]]);

/** The layers of a store while they are changed: to be read, changed and saved under one exclusive lock. */
export class LayerEdit {
  readonly area: StoreArea;
  readonly #lock: StoreLock;
  readonly #drafts: Drafts;
  readonly #files: readonly EditedFile[];

  constructor(area: StoreArea, runroot: string, lock: StoreLock, drafts: Drafts) {
    this.area = area;
    this.#lock = lock;
    this.#drafts = drafts;
    this.#files = LayerTable.read(area, runroot).files.map((file) => ({ ...file, changed: false }));
  }

  /** As they would be read after {@link save}; half-made ones too. */
  records(): readonly LayerRecord[] {
    return this.#files.flatMap(({ rows }) => rows.map((row) => layerRecord(row, this.area)));
  }

  add(values: LayerValues): void {
    const [lasting] = this.#files;
    if (lasting) this.#set(lasting, [...lasting.rows, layerRecords.create(values)]);
  }

  /** Sets these members of these layers anew; all else of them stays. */
  change(ids: ReadonlySet<string>, values: LayerValues): void {
    for (const file of this.#files) {
      if (!file.rows.some((row) => ids.has(row.values.id))) continue;
      const changed = (row: LayerRow) =>
        ids.has(row.values.id) ? layerRecords.change(row, values) : row;
      this.#set(file, file.rows.map(changed));
    }
  }

  drop(ids: ReadonlySet<string>): void {
    for (const file of this.#files) {
      const rest = file.rows.filter((row) => !ids.has(row.values.id));
      if (rest.length < file.rows.length) this.#set(file, rest);
    }
  }

  /** @throws {StorageError} `storage.unwritable` */
  save(): void {
    this.#lock.markWritten();
    for (const file of this.#files) {
      if (file.changed) this.#drafts.replace(file.path, formatRows(file.rows));
      file.changed = false;
    }
  }

  #set(file: EditedFile, rows: readonly LayerRow[]): void {
    file.rows = rows;
    file.changed = true;
  }
}
