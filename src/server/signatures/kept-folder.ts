import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SignatureError } from "../../../sigstore/errors.ts";
import { maxSignatureBytes, noRoom, signatureName } from "../../../sigstore/lookaside/layout.ts";
import { describeFailure, SignatureFolder } from "../../../sigstore/lookaside/signature-folder.ts";
import { makeFolders } from "../../core/make-folders.ts";
import { type FolderState, folderState } from "./folder-state.ts";
import type { KnownFiles } from "./known-files.ts";
import { maxServedBytes, mostServed } from "./limits.ts";
import type { ServedSignature } from "./union.ts";

/** A signature in a file of ours. */
export interface KeptSignature extends ServedSignature {
  /** Of its file; there may be gaps, which no client is shown. */
  readonly number: number;
}

/** What was found in a folder. */
export interface FolderReading {
  /** In order. */
  readonly kept: readonly KeptSignature[];
  /** Files that are no signatures. */
  readonly malformed: number;
}

/** What all folders of a store have in common. */
export interface KeptFolderParts {
  /** All folders are made below. */
  readonly root: string;
  readonly files: KnownFiles;
  readonly now: () => number;
}

/** While others write without end, what was seen last counts. */
const mostReadings = 8;

/** The files of one manifest's signatures. Whoever writes does it in turn with others of this process. */
export class KeptFolder {
  readonly #parts: KeptFolderParts;
  readonly #name: string;
  readonly #path: string;
  readonly #files: SignatureFolder;

  /** @param name the path below `root` */
  constructor(parts: KeptFolderParts, name: string) {
    this.#parts = parts;
    this.#name = name;
    this.#path = join(parts.root, name);
    this.#files = new SignatureFolder(this.#path);
  }

  /** As it is now; costs a few calls of the system. */
  state(): FolderState {
    return folderState(this.#path, this.#parts.now());
  }

  /** The list as it was at one moment: read again where somebody has changed it meanwhile. */
  async read(): Promise<FolderReading> {
    for (let readings = 1; ; readings++) {
      const before = this.state();
      const reading = await this.#readFiles(before);
      if (readings === mostReadings || this.state().mark === before.mark) return reading;
    }
  }

  async #readFiles({ files }: FolderState): Promise<FolderReading> {
    const kept: KeptSignature[] = [];
    let malformed = 0;
    for (const file of files) {
      const path = join(this.#path, signatureName(file.number));
      const content = await this.#parts.files.read(path, file);
      if (content === "malformed") malformed++;
      else if (content) kept.push({ ...content, number: file.number });
    }
    return { kept, malformed };
  }

  /**
   * Adds those that are not there, under the next numbers, and gives back those. On the disk when it returns.
   *
   * @throws {SignatureError} `signature.store-limit`, `signature.store-failed`
   */
  async add(signatures: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    const { kept } = await this.read();
    const isNew = (bytes: Uint8Array) =>
      !kept.some((one) => Buffer.compare(one.bytes, bytes) === 0);
    const added = signatures.filter(isNew);
    if (added.length === 0) return [];
    this.#checkRoom([...kept.map(({ bytes }) => bytes), ...added]);
    const made = await this.#make();
    for (const bytes of added) {
      if ((await this.#files.add(bytes)) === "full") throw noRoom(this.#name);
    }
    await this.#sync(made ? this.#parts.root : this.#path);
    return added;
  }

  #checkRoom(all: readonly Uint8Array[]): void {
    if (all.length > mostServed) throw noRoom(this.#name);
    const total = all.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (total > maxServedBytes) throw tooMuch(this.#name);
  }

  /** False where it was there. */
  async #make(): Promise<boolean> {
    if (statSync(this.#path, { throwIfNoEntry: false })?.isDirectory()) return false;
    await makeFolders(this.#path, 0o755).catch((error: unknown) => {
      throw describeFailure(error, "mkdir", this.#path);
    });
    return true;
  }

  /** Puts `bytes` in the place of a signature, at once. */
  async replace({ number }: KeptSignature, bytes: Uint8Array): Promise<void> {
    const unfinished = join(this.#path, `.unfinished-${randomBytes(8).toString("hex")}`);
    try {
      await using file = await open(unfinished, "wx", 0o644);
      await file.writeFile(bytes);
      await file.datasync();
      await rename(unfinished, join(this.#path, signatureName(number)));
    } catch (error) {
      await unlink(unfinished).catch(() => undefined); // how it began is what counts
      throw describeFailure(error, "open", unfinished);
    }
    await this.#sync(this.#path);
  }

  /** The last signature takes its place, in the same moment. */
  async remove({ number }: KeptSignature): Promise<void> {
    await this.#files.remove(number);
    await this.#sync(this.#path);
  }

  /** A new name in a folder is on the disk once the folder is: of all of them up to `top`. */
  async #sync(top: string): Promise<void> {
    for (let path = this.#path; path.length >= top.length; path = dirname(path)) {
      await using folder = await open(path, "r");
      await folder.sync();
    }
  }
}

function tooMuch(where: string): SignatureError {
  return new SignatureError(
    "signature.store-limit",
    `Cannot store a signature in ${where}: all of them may have ${maxServedBytes} bytes, and one ${maxSignatureBytes}`,
    { hint: "Remove signatures that are no longer needed" },
  );
}
