import { createHash, type Hash } from "node:crypto";
import type { Digest } from "../../../src/core/digest.ts";

/** A blob held by the registry: in memory, or made while it is read. */
export interface StoredBlob {
  readonly size: number;
  /** Bytes from offset `from` up to, not including, `to`. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export function blobOfBytes(bytes: Uint8Array): StoredBlob {
  return {
    size: bytes.byteLength,
    async *read(from, to) {
      // Small steps, so that a fault at byte k falls between two writes.
      for (let at = from; at < to; at += 65536) yield bytes.subarray(at, Math.min(to, at + 65536));
    },
  };
}

/** Bytes arriving. Beyond `keep` bytes nothing is held but the hash, so that big uploads cost no memory. */
export class Upload {
  readonly id: string;
  size = 0;
  /** Counts the Locations handed out. */
  state = 0;
  readonly #keep: number;
  #chunks: Uint8Array[] | undefined = [];
  readonly #sha256: Hash = createHash("sha256");
  readonly #sha512: Hash = createHash("sha512");

  constructor(id: string, keep: number) {
    this.id = id;
    this.#keep = keep;
  }

  append(chunk: Uint8Array): void {
    this.size += chunk.byteLength;
    this.#sha256.update(chunk);
    if (this.size > this.#keep) this.#chunks = undefined;
    else {
      this.#sha512.update(chunk);
      this.#chunks?.push(Buffer.from(chunk));
    }
  }

  /** The digest of what came so far, by the algorithm of `like`; undefined if it was not counted. */
  digest(like: string): Digest | undefined {
    if (like.startsWith("sha256:")) return `sha256:${this.#sha256.copy().digest("hex")}` as Digest;
    if (!(like.startsWith("sha512:") && this.#chunks)) return undefined;
    return `sha512:${this.#sha512.copy().digest("hex")}` as Digest;
  }

  finish(): StoredBlob {
    if (this.#chunks) return blobOfBytes(Buffer.concat(this.#chunks));
    return {
      size: this.size,
      read() {
        throw new Error("this blob was too large to be kept");
      },
    };
  }
}

export class Repository {
  readonly blobs = new Map<string, StoredBlob>();
  readonly manifests = new Map<string, StoredManifest>();
  readonly tags = new Map<string, Digest>();
  readonly uploads = new Map<string, Upload>();

  /** The digest that a tag or digest stands for, if it is there. */
  resolve(reference: string): Digest | undefined {
    const digest = reference.includes(":") ? (reference as Digest) : this.tags.get(reference);
    return digest !== undefined && this.manifests.has(digest) ? digest : undefined;
  }
}

/** Everything a registry holds; several servers may share one. */
export class RegistryStore {
  readonly repositories = new Map<string, Repository>();

  open(name: string): Repository {
    const there = this.repositories.get(name);
    if (there) return there;
    const made = new Repository();
    this.repositories.set(name, made);
    return made;
  }

  /** The blob wherever in this registry it is. */
  blobAnywhere(digest: string): StoredBlob | undefined {
    for (const repository of this.repositories.values()) {
      const blob = repository.blobs.get(digest);
      if (blob) return blob;
    }
    return undefined;
  }
}
