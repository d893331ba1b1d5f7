import { linkAt } from "../../libc/at.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { kernelPath } from "../unpack/folders.ts";
import type { Entry, LinkedFiles } from "./entry-copy.ts";

/** Gives files that have several names in a tree as many in its copy. */
export class LinksBetweenCopies implements LinkedFiles {
  readonly #root: number;
  /** Where files were copied to, by their identity. */
  readonly #copied = new Map<string, ByteString>();

  /** @param root of the copy, open */
  constructor(root: number) {
    this.#root = root;
  }

  take({ folder, name, facts }: Entry): boolean {
    const first = this.#copied.get(facts.identity);
    if (first === undefined) return false;
    linkAt(this.#root, kernelPath(first), folder.to, name);
    return true;
  }

  remember({ path, facts }: Entry): void {
    if (facts.links > 1) this.#copied.set(facts.identity, path);
  }
}
