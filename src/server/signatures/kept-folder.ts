import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { open, readdir, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseEnvelope } from "../../../sigstore/envelope.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import { maxSignatureBytes, noRoom, signatureName } from "../../../sigstore/lookaside/layout.ts";
import {
  describeFailure,
  readSignatureFile,
  SignatureFolder,
} from "../../../sigstore/lookaside/signature-folder.ts";
import { KnownError } from "../../core/errors.ts";
import { makeFolders } from "../../core/make-folders.ts";
import { maxServedBytes, mostServed } from "./limits.ts";
import { type ServedSignature, servedSignature } from "./union.ts";
import { faultOf } from "./validity.ts";

/** A signature in a file of ours. */
export interface KeptSignature extends ServedSignature {
  /** Of its file; there may be gaps, which no client is shown. */
  readonly number: number;
}

/** The files of one manifest's signatures. Whoever writes does it in turn with others of this process. */
export class KeptFolder {
  readonly #root: string;
  readonly #path: string;
  readonly #files: SignatureFolder;

  /** @param path below `root`, which all folders are made below of */
  constructor(root: string, path: string) {
    this.#root = root;
    this.#path = join(root, path);
    this.#files = new SignatureFolder(this.#path);
  }

  get path(): string {
    return this.#path;
  }

  /** Those that are signatures, in order; how many files are none. */
  async read(): Promise<{ readonly kept: readonly KeptSignature[]; readonly malformed: number }> {
    const kept: KeptSignature[] = [];
    let malformed = 0;
    for (const number of await this.#numbers()) {
      const found = await readServable(join(this.#path, signatureName(number)));
      if (found === "malformed") malformed++;
      else if (found) kept.push({ ...found, number });
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
    await this.#sync(made ? this.#root : this.#path);
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

  get #name(): string {
    return this.#path.slice(this.#root.length + 1);
  }

  async #numbers(): Promise<readonly number[]> {
    const names = await readdir(this.#path).catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw describeFailure(error, "open", this.#path);
    });
    return names
      .flatMap((name) => /^signature-([1-9][0-9]{0,2})$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** A new name in a folder is on the disk once the folder is: of all of them up to `top`. */
  async #sync(top: string): Promise<void> {
    for (let path = this.#path; path.length >= top.length; path = dirname(path)) {
      await using folder = await open(path, "r");
      await folder.sync();
    }
  }
}

async function readServable(path: string): Promise<ServedSignature | "malformed" | undefined> {
  try {
    const bytes = await readSignatureFile(path);
    if (!bytes) return undefined;
    const signature = parseEnvelope(bytes);
    return faultOf(signature) === undefined ? servedSignature(signature, undefined) : "malformed";
  } catch (error) {
    // A folder by that name, or a file that cannot be read, is one whose content nobody knows: that fails.
    const isContent =
      error instanceof KnownError &&
      ["signature.malformed", "signature.store-limit", "content.bad-json"].includes(error.code);
    if (isContent) return "malformed";
    throw error;
  }
}

function tooMuch(where: string): SignatureError {
  return new SignatureError(
    "signature.store-limit",
    `Cannot store a signature in ${where}: all of them may have ${maxServedBytes} bytes, and one ${maxSignatureBytes}`,
    { hint: "Remove signatures that are no longer needed" },
  );
}
