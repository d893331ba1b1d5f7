import { createHash, type Hash } from "node:crypto";
import { algorithmOf, type Digest, type DigestAlgorithm } from "../../core/digest.ts";
import { readFileBytes } from "./read-file-bytes.ts";

/** The hash of a file's first bytes, kept while it grows. */
export class RunningHash {
  readonly algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  /** How many bytes it is of. */
  #size = 0;

  constructor(algorithm: DigestAlgorithm) {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  get size(): number {
    return this.#size;
  }

  add(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.byteLength;
  }

  /** Takes in what the file holds up to `size` and it has not seen. */
  async catchUp(fd: number, size: number, signal?: AbortSignal): Promise<void> {
    for await (const chunk of readFileBytes(fd, { start: this.#size, end: size }, signal)) {
      this.add(chunk);
    }
  }

  /** The digest so far; more may be added. */
  digest(): Digest {
    return `${this.algorithm}:${this.#hash.copy().digest("hex")}` as Digest;
  }
}

/** The digest of a file's first `size` bytes, by `known` where that is of them and of the right kind. */
export async function digestOfOpenFile(
  { fd, size }: { readonly fd: number; readonly size: number },
  like: Digest,
  known: RunningHash | undefined,
): Promise<Digest> {
  const algorithm = algorithmOf(like);
  const fits = known?.algorithm === algorithm && known.size <= size;
  const hash = fits ? known : new RunningHash(algorithm);
  await hash.catchUp(fd, size);
  return hash.digest();
}
