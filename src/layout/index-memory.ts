import { type LayoutIndex, parseLayoutIndex } from "./index-file.ts";

/** A mirror into several layouts goes from one to the next and back. */
const mostKept = 8;

/**
 * What the index.json of some layouts was last read or written as. A mirror looks at it for each of its images, and parsing
 * thousands of entries each time takes a hundred times as long as seeing that the bytes are the same.
 */
export class IndexMemory {
  readonly #known = new Map<string, { readonly bytes: Buffer; readonly index: LayoutIndex }>();

  /** @throws {LayoutError} `layout.invalid` */
  parsed(path: string, bytes: Buffer): LayoutIndex {
    const known = this.#known.get(path);
    if (known?.bytes.equals(bytes)) return known.index;
    const index = parseLayoutIndex(bytes);
    this.keep(path, bytes, index);
    return index;
  }

  /** @param index what parsing the bytes gives */
  keep(path: string, bytes: Buffer, index: LayoutIndex): void {
    this.#known.delete(path);
    this.#known.set(path, { bytes, index });
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKept && oldest !== undefined) this.#known.delete(oldest);
  }
}
