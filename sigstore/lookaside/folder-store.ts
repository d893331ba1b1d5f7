import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isAbsent } from "../../src/config/load-file.ts";
import { makeFolders } from "../../src/core/make-folders.ts";
import { formatEnvelope, parseEnvelope } from "../envelope.ts";
import { SignatureError } from "../errors.ts";
import type { SignedSubject, UntrustedSignature } from "../signature.ts";
import type { SignatureStore } from "../store.ts";
import {
  mostSignatures,
  noRoom,
  repositoryPath,
  signatureName,
  subjectPath,
  tooMany,
} from "./layout.ts";
import { describeFailure, readSignatureFile, SignatureFolder } from "./signature-folder.ts";

/**
 * Signatures in the files of a folder, which a web server can give out as they are.
 *
 * Any number of processes may add and remove at once: each signature gets the next free number by a link that nobody can
 * overwrite, so none is lost, and a removal fills its gap with the last one — `docs/decisions/0030`.
 */
export class FolderStore implements SignatureStore {
  /** With a slash at its end. */
  readonly #root: string;

  constructor(root: string) {
    this.#root = join(root, "x").slice(0, -1);
  }

  async read(
    subject: SignedSubject,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<readonly UntrustedSignature[]> {
    const folder = this.#folderOf(subject);
    const signatures: UntrustedSignature[] = [];
    for (let number = 1; ; number++) {
      signal.throwIfAborted();
      if (number > mostSignatures + 1) throw tooMany();
      const path = `${folder}/${signatureName(number)}`;
      const bytes = await readSignatureFile(path);
      if (!bytes) return signatures;
      signatures.push(parsed(bytes, path));
    }
  }

  /** What cannot be looked at may hold any. */
  async mayHold(repository: string): Promise<boolean> {
    const path = this.#root + repositoryPath(repository);
    try {
      const beginning = `${basename(path)}@`;
      return (await readdir(dirname(path))).some((name) => name.startsWith(beginning));
    } catch (error) {
      return !isAbsent(error);
    }
  }

  async append(
    subject: SignedSubject,
    signatures: readonly UntrustedSignature[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    if (signatures.length === 0) return;
    const path = this.#folderOf(subject);
    await this.checkWritable(subject);
    await failing("mkdir", path, () => makeFolders(path, 0o755));
    const folder = new SignatureFolder(path);
    for (const signature of signatures) {
      signal.throwIfAborted();
      if ((await folder.add(formatEnvelope(signature))) === "full") throw noRoom(path);
    }
  }

  async remove(
    subject: SignedSubject,
    index: number,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    signal.throwIfAborted();
    await new SignatureFolder(this.#folderOf(subject)).remove(index + 1);
  }

  /** What is there already of the path must be a folder, and one that may be written to. */
  async checkWritable(subject: SignedSubject): Promise<void> {
    let path = this.#folderOf(subject);
    for (let missing = path; ; path = dirname(path)) {
      const found = await stat(path).catch((error: unknown) => {
        if (isAbsent(error)) return undefined;
        throw describeFailure(error, "mkdir", missing);
      });
      if (found && !found.isDirectory()) throw describeFailure(notFolder, "mkdir", missing);
      if (found) {
        await failing("mkdir", missing, () => access(path, constants.W_OK | constants.X_OK));
        return;
      }
      missing = path;
    }
  }

  /** Removes all of an image's signatures, from the last. */
  async removeAll(subject: SignedSubject): Promise<void> {
    await new SignatureFolder(this.#folderOf(subject)).clear();
  }

  #folderOf(subject: SignedSubject): string {
    return this.#root + subjectPath(subject); // normal already: joining looks at each character
  }
}

const notFolder = Object.assign(new Error("not a directory"), { code: "ENOTDIR" });

function parsed(bytes: Uint8Array, path: string): UntrustedSignature {
  try {
    return parseEnvelope(bytes);
  } catch (cause) {
    throw new SignatureError(
      "signature.store-failed",
      `parsing signature ${JSON.stringify(path)}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

async function failing<T>(call: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw describeFailure(error, call, path);
  }
}
