import type { StoreArea } from "./area.ts";
import type { Drafts } from "./drafts.ts";
import { StorageError } from "./errors.ts";
import { type ImageRecord, type ImageRow, imageRecord, imageRecords } from "./image-record.ts";
import { ImageTable } from "./image-table.ts";
import type { PreparedFile } from "./prepared-file.ts";
import { formatRows } from "./record-type.ts";
import type { StoreLock } from "./store-lock.ts";

/** Members of an image's record, by their names in the file. */
export type ImageValues = Partial<ImageRow["values"]>;

/** The images of a store while they are changed: to be read, changed and saved under one exclusive lock. */
export class ImageEdit {
  readonly area: StoreArea;
  /** Where data of images is prepared too. */
  readonly drafts: Drafts;
  readonly #lock: StoreLock;
  readonly #path: string;
  #rows: readonly ImageRow[];

  constructor(area: StoreArea, lock: StoreLock, drafts: Drafts) {
    const { path, rows } = ImageTable.read(area);
    this.area = area;
    this.drafts = drafts;
    this.#lock = lock;
    this.#path = path;
    this.#rows = rows;
  }

  /** As they would be read after {@link save}. */
  records(): readonly ImageRecord[] {
    return this.#rows.map((row) => imageRecord(row, this.area));
  }

  find(id: string): ImageRecord | undefined {
    return this.records().find((image) => image.id === id);
  }

  add(values: ImageValues): void {
    this.#rows = [...this.#rows, imageRecords.create(values)];
  }

  /** Adds a record of another store as it is. */
  copy(row: ImageRow): void {
    this.#rows = [...this.#rows, row];
  }

  /** Sets these members anew; all else of the record stays. */
  change(id: string, values: ImageValues): void {
    this.#rows = this.#rows.map((row) =>
      row.values.id === id ? imageRecords.change(row, values) : row,
    );
  }

  drop(id: string): void {
    this.#rows = this.#rows.filter((row) => row.values.id !== id);
  }

  /** Puts names before those that an image has, and takes them from all others: each name stands for one image. */
  name(id: string, names: readonly string[]): void {
    if (names.length === 0) return;
    const given = new Set(names);
    for (const image of this.records()) {
      const kept = image.names.filter((name) => !given.has(name));
      if (image.id === id) {
        this.change(id, named(image, [...given, ...kept]));
      } else if (kept.length < image.names.length) this.change(image.id, { names: kept });
    }
  }

  /** Takes names away; the history keeps them. @throws {StorageError} `storage.not-found` */
  unname(id: string, names: readonly string[]): void {
    const image = this.find(id);
    if (image === undefined) throw new StorageError("storage.not-found", `${id}: image not known`);
    const kept = image.names.filter((name) => !names.includes(name));
    this.change(id, named(image, kept));
  }

  /** @throws {StorageError} `storage.unwritable` */
  save(): void {
    using file = this.prepare();
    file.place();
  }

  /** All of {@link save} that may fail for lack of space; the rest is to place the file. */
  prepare(): PreparedFile {
    this.#lock.markWritten();
    return this.drafts.prepare(this.#path, formatRows(this.#rows));
  }
}

/** containers/storage writes all names anew into the history, each in front of those before it. */
function named({ namesHistory }: ImageRecord, names: readonly string[]): ImageValues {
  return { names, "names-history": [...new Set([...names.toReversed(), ...namesHistory])] };
}
