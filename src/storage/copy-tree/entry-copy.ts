import { constants } from "node:fs";
import {
  closeFile,
  createAt,
  makeNodeAt,
  makeSymlinkAt,
  type Outcome,
  openAt,
  type PathBytes,
  readLinkAt,
} from "../../libc/at.ts";
import { type FileFacts, fileType } from "../../libc/stat-at.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { AttributeCopy, type AttributeOptions } from "./attributes.ts";
import { ContentCopy } from "./content.ts";

/** Not to wait for whoever opens the other end, should it have become a FIFO. */
const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The same folder in both trees, open. */
export interface FolderPair {
  readonly from: number;
  readonly to: number;
  /** From the root. */
  readonly path: ByteString;
  /** Of the copy. */
  readonly gid: number;
}

/** A name in it that is no folder's. */
export interface Entry {
  readonly folder: FolderPair;
  readonly name: PathBytes;
  /** From the root. */
  readonly path: ByteString;
  readonly facts: FileFacts;
}

/** What becomes of files that have several names. */
export interface LinkedFiles {
  /** True where that is seen to, and the file is not to be copied. */
  take(entry: Entry): boolean;
  /** It was copied. */
  remember(entry: Entry): void;
}

/** Copies anything but folders. What has a name in the copy already stays. */
export class EntryCopy {
  readonly #options: AttributeOptions;
  readonly #linked: LinkedFiles;
  readonly #contents = new ContentCopy();
  readonly #attributes: AttributeCopy;

  constructor(options: AttributeOptions, linked: LinkedFiles) {
    this.#options = options;
    this.#linked = linked;
    this.#attributes = new AttributeCopy(options);
  }

  /** Gives what is left of a big file, piece by piece: to be gone through, or returned. */
  make(entry: Entry): Iterable<void> | undefined {
    const { folder, name, facts } = entry;
    const type = facts.mode & fileType.mask;
    if (facts.links > 1 && this.#linked.take(entry)) return;
    if (type === fileType.file) return this.#file(entry);
    const outcome =
      type === fileType.symlink
        ? makeSymlinkAt(readLinkAt(folder.from, name), folder.to, name)
        : this.#node(entry);
    if (outcome !== "done") return;
    this.#linked.remember(entry);
    this.#attributes.toName({ dir: folder.from, name }, { dir: folder.to, name }, facts);
    return;
  }

  /** A device, FIFO or socket. */
  #node({ folder, name, facts }: Entry): Outcome {
    const type = facts.mode & fileType.mask;
    const isDevice = type === fileType.character || type === fileType.block;
    if (isDevice && this.#options.userNamespace) return "missing";
    return makeNodeAt(folder.to, name, facts.mode, isDevice ? facts.device : 0n);
  }

  #file(entry: Entry): Iterable<void> | undefined {
    const { folder, name, facts } = entry;
    const to = createAt(folder.to, name);
    if (to === undefined) return; // covered
    this.#linked.remember(entry);
    using stack = new DisposableStack();
    stack.adopt(to, closeFile);
    const from = stack.adopt(openAt(folder.from, name, fileFlags), closeFile);
    const rest = this.#contents.copy(from, to, facts.size);
    const end = () => this.#attributes.toNewFile(from, to, facts, folder.gid);
    if (rest) return inPieces(rest, end, stack.move());
    end();
    return;
  }
}

function* inPieces(rest: Iterable<void>, end: () => void, files: Disposable) {
  using _ = files;
  yield* rest;
  end();
}
