import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { algorithmOf, type Digest, hexOf } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import { unless } from "../../layout/errors.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { answering } from "./errors.ts";
import { GrowingFile } from "./growing-file.ts";
import { createLockedFile } from "./locked-file.ts";
import type { Fill } from "./registry-store.ts";
import { RunningHash } from "./running-hash.ts";
import type { BlobKey, StoreParts } from "./store-parts.ts";
import { shortHash } from "./upload-names.ts";

/** What becomes of a fill that is verified. */
export type TakeBlob = (file: GrowingFile) => Promise<void>;

/** What is being filled in, and of what size as far as one knows. */
export interface FillTarget extends BlobKey {
  readonly expectedSize: number | undefined;
}

/** Begins one, or continues what another has kept: that one's bytes are hashed again. */
export async function openFill(
  parts: StoreParts,
  target: FillTarget,
  take: TakeBlob,
): Promise<BlobFill> {
  const kept = join(parts.paths.uploads, keptName(target));
  const file = (await takeKept(parts, kept)) ?? (await createFill(parts));
  const fill = new BlobFill(file, kept, target, take);
  try {
    await fill.begin();
    return fill;
  } catch (error) {
    await fill.keep().catch(() => {});
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function createFill({ paths, tryLock }: StoreParts): Promise<GrowingFile> {
  return await createLockedFile(paths.uploads, "fill-", tryLock);
}

/** What was kept gets a new name: whoever gives it one has it. */
async function takeKept(parts: StoreParts, kept: string): Promise<GrowingFile | undefined> {
  if ((await unless(["ENOENT"], () => stat(kept))) === undefined) return undefined;
  await using reserved = await createFill(parts);
  const renamed = await unless(["ENOENT"], async () => {
    await rename(kept, reserved.path);
    return true;
  });
  const file = renamed && (await GrowingFile.open(reserved.path));
  if (!file) {
    await reserved.unlink();
    return undefined;
  }
  if (await file.lockOrClose(parts.tryLock)) return file;
  await unless(["ENOENT"], () => rename(reserved.path, kept)); // whoever kept it is still read: for the next
  return undefined;
}

/** Of the repository as well: what one has fetched is no other's. */
function keptName({ repository, digest }: BlobKey): string {
  return `kept-${shortHash(repository.name)}-${algorithmOf(digest)}-${hexOf(digest)}`;
}

/** A blob that is coming in: a locked file that grows. */
export class BlobFill implements Fill {
  readonly digest: Digest;
  readonly expectedSize: number | undefined;
  readonly #file: GrowingFile;
  readonly #kept: string;
  readonly #take: TakeBlob;
  readonly #hash: RunningHash;
  #state: "open" | "failed" | "ended" = "open";

  constructor(
    file: GrowingFile,
    kept: string,
    { digest, expectedSize }: FillTarget,
    take: TakeBlob,
  ) {
    this.#file = file;
    this.#kept = kept;
    this.#take = take;
    this.digest = digest;
    this.expectedSize = expectedSize;
    this.#hash = new RunningHash(algorithmOf(digest));
  }

  /** Takes in what the file holds; what cannot be right is dropped. */
  async begin(): Promise<void> {
    if (this.#file.size > (this.expectedSize ?? Number.POSITIVE_INFINITY))
      await this.#file.cutTo(0);
    await this.#hash.catchUp(this.#file.descriptor, this.#file.size);
  }

  get descriptor(): number {
    return this.#file.descriptor;
  }

  get size(): number {
    return this.#file.size;
  }

  async append(chunk: Uint8Array): Promise<void> {
    if (this.#state !== "open") throw new Error(`append() to a fill that has ${this.#state}`);
    if (this.size + chunk.byteLength > (this.expectedSize ?? Number.POSITIVE_INFINITY)) {
      this.#state = "failed";
      throw new RegistryAnswerError("UNKNOWN", "the upstream sends more than it said", {
        status: 502,
      });
    }
    await this.#orFail(async () => {
      const written = this.#file.append(chunk);
      this.#hash.add(chunk); // while it is being written
      await written;
    });
  }

  async finish(onVerified: () => void = () => {}): Promise<void> {
    if (this.#state !== "open") throw new Error(`finish() of a fill that has ${this.#state}`);
    const wrong = this.#whatIsWrong();
    if (wrong) {
      await this.discard();
      throw wrong;
    }
    onVerified();
    await this.#orFail(() => this.#take(this.#file));
    await this.discard();
  }

  #whatIsWrong(): ContentError | undefined {
    const { digest, expectedSize, size } = this;
    if (expectedSize !== undefined && size !== expectedSize) {
      const text = `Blob ${digest} ended after ${size} of ${expectedSize} bytes`;
      return new ContentError("content.size-mismatch", text, { retryable: true });
    }
    const actual = this.#hash.digest();
    if (actual === digest) return undefined;
    const text = `Digest did not match, expected ${digest}, got ${actual}`;
    return new ContentError("content.digest-mismatch", text, { actual });
  }

  async keep(): Promise<void> {
    if (this.#state !== "open") return await this.discard();
    this.#state = "ended";
    await answering(() => rename(this.#file.path, this.#kept));
  }

  async discard(): Promise<void> {
    if (this.#state === "ended") return;
    this.#state = "ended";
    await answering(() => this.#file.unlink());
  }

  async #orFail(work: () => Promise<void>): Promise<void> {
    try {
      await answering(work);
    } catch (error) {
      this.#state = "failed";
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.discard();
    } finally {
      await this.#file[Symbol.asyncDispose]();
    }
  }
}
