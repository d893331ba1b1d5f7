import { SystemCallError } from "../../libc/libc.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import type { TreeCover } from "../tree-cover.ts";
import { UnpackError } from "./errors.ts";
import { isLayersFault } from "./failure.ts";

/** Above, remembering costs more than unpacking again. */
const mostPaths = 100_000;

/**
 * The tree that a layer is to stand upon, where the layer is unpacked into an empty folder first and the tree laid below
 * later: remembers what has to be known for that. Where the tree is there from the start, or there is none, it does nothing.
 */
export class BaseTree {
  readonly #isLater: boolean;
  readonly #hidden = new Set<ByteString>();
  readonly #opaque = new Set<ByteString>();
  readonly #implied = new Map<ByteString, "bare" | "stated">([["", "bare"]]);
  #isNeeded = false;

  constructor(when: "there" | "later") {
    this.#isLater = when === "later";
  }

  /** What it has at a real path, and below that, does not count any more. */
  hide(path: ByteString): void {
    if (this.#isRemembering()) this.#hidden.add(path);
  }

  /** What it has in a folder does not count any more. */
  hideWithin(folder: ByteString): void {
    if (this.#isRemembering()) this.#opaque.add(folder);
  }

  /** A folder was made for what lies in it. */
  imply(folder: ByteString): void {
    if (this.#isRemembering()) this.#implied.set(folder, "bare");
  }

  /** A folder has got an entry of its own. */
  state(folder: ByteString): void {
    if (this.#implied.has(folder)) this.#implied.set(folder, "stated");
  }

  /** A folder is gone again. What lay in it may have come to lie elsewhere, had there been a link. */
  lose(folder: ByteString): void {
    if (this.#implied.has(folder)) this.#isNeeded = true;
  }

  #isRemembering(): boolean {
    if (!this.#isLater || this.#isNeeded) return false;
    const paths = this.#hidden.size + this.#opaque.size + this.#implied.size;
    this.#isNeeded = paths > mostPaths;
    return !this.#isNeeded;
  }

  /**
   * Makes an entry. One that cannot be made may be one that needs the tree: a link to one of its files, a way through one of
   * its links. Then it is left out, and the layer has to be unpacked again, upon the tree.
   */
  attempt<T>(make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      if (!this.#isLater || !isOfEntry(error)) throw error;
      this.#isNeeded = true;
      return;
    }
  }

  /** How it is to be laid below. `again`: the layer is to be unpacked again, upon it. Undefined where there is nothing to do. */
  get cover(): TreeCover | "again" | undefined {
    if (!this.#isLater) return undefined;
    if (this.#isNeeded) return "again";
    return { hidden: this.#hidden, opaque: this.#opaque, implied: this.#implied };
  }
}

/** EPERM: a hard link to a folder, which may be none in the tree. */
function isOfEntry(error: unknown): boolean {
  if (error instanceof SystemCallError) return isLayersFault(error.code) || error.code === "EPERM";
  return error instanceof UnpackError && error.code === "storage.bad-layer";
}
