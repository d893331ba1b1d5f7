import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import { unless } from "../../layout/errors.ts";
import { KeyedTurns } from "../keyed-turns.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { UploadPiece, UploadState } from "../v2/backend.ts";
import type { BlobFiles } from "./blob-files.ts";
import type { TryLock } from "./file-lock.ts";
import { GrowingFile } from "./growing-file.ts";
import { digestOfOpenFile, RunningHash } from "./running-hash.ts";
import type { StorePaths } from "./store-paths.ts";
import {
  newUploadId,
  type UploadOwner,
  uploadFileName,
  userMark,
  userMarkIn,
} from "./upload-names.ts";
import { appendPiece, checkStart } from "./upload-piece.ts";
import { makeRoom } from "./upload-room.ts";

/** How many uploads there may be, and how large. */
export interface UploadLimits {
  readonly maxUploadsPerUser: number;
  readonly maxBlobBytes: number;
}

/** What uploads work with. */
export interface UploadParts {
  readonly paths: StorePaths;
  readonly blobs: BlobFiles;
  readonly tryLock: TryLock;
  readonly limits: UploadLimits;
  readonly now: () => number;
}

/** A request that finds another process at the same upload waits for it so long. */
const patienceMs = 10_000;
const roomEveryMs = 5_000;

/**
 * Blobs that are being pushed: a file each, whose length is how far it is. The hash is kept in memory and made again from the
 * file where it is not.
 */
export class Uploads {
  readonly #parts: UploadParts;
  readonly #hashes = new Map<string, RunningHash>();
  readonly #openByUser = new Map<string, number>();
  readonly #turns = new KeyedTurns();
  #madeRoomAt = Number.NEGATIVE_INFINITY;

  constructor(parts: UploadParts) {
    this.#parts = parts;
  }

  /** How many there are. */
  get open(): number {
    let open = 0;
    for (const count of this.#openByUser.values()) open += count;
    return open;
  }

  /** @throws {RegistryAnswerError} 429 where the user has too many */
  async begin(owner: UploadOwner, algorithm: DigestAlgorithm = "sha256"): Promise<UploadState> {
    const mark = userMark(owner.user);
    if (this.#hasTooMany(mark)) await this.#makeRoom(mark);
    if (this.#hasTooMany(mark)) {
      throw new RegistryAnswerError("TOOMANYREQUESTS", "too many uploads are open", {
        status: 429,
        hint: "Finish or cancel some",
        headers: { "Retry-After": "60" },
      });
    }
    const id = newUploadId();
    const name = uploadFileName(id, owner) ?? "";
    this.#count(mark, 1);
    try {
      await using file = await GrowingFile.create(join(this.#parts.paths.uploads, name));
      this.#hashes.set(name, new RunningHash(algorithm));
      return { id, size: file.size };
    } catch (error) {
      this.#count(mark, -1);
      throw error;
    }
  }

  #hasTooMany(mark: string): boolean {
    return (this.#openByUser.get(mark) ?? 0) >= this.#parts.limits.maxUploadsPerUser;
  }

  /** Not more than one look at a time, and not one after the other: whoever is refused asks again at once. */
  async #makeRoom(mark: string): Promise<void> {
    const { paths, tryLock, now } = this.#parts;
    if (now() - this.#madeRoomAt < roomEveryMs) return;
    this.#madeRoomAt = now();
    await makeRoom({ folder: paths.uploads, mark, tryLock, now });
    await this.recount();
  }

  async state(owner: UploadOwner, id: string): Promise<UploadState | undefined> {
    const path = this.#pathOf(owner, id);
    if (path === undefined) return undefined;
    const found = await unless(["ENOENT"], () => stat(path));
    return found && { id, size: found.size };
  }

  /** As {@link Backend.appendUpload}. */
  async append(
    owner: UploadOwner,
    id: string,
    piece: UploadPiece,
    signal: AbortSignal,
  ): Promise<UploadState> {
    return await this.#using(owner, id, signal, async (file, hash) => {
      await this.#take(file, hash, piece, signal);
      return { id, size: file.size };
    });
  }

  /** As {@link Backend.finishUpload}; the blob is of the owner's repository then. Where it is not what it should be it is gone. */
  async finish(
    owner: UploadOwner,
    id: string,
    end: UploadPiece & { readonly digest: Digest },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#using(owner, id, signal, async (file, hash, done) => {
      await this.#take(file, hash, end, signal);
      const open = { fd: file.descriptor, size: file.size };
      const actual = await digestOfOpenFile(open, end.digest, hash);
      if (actual !== end.digest) {
        await done();
        throw wrongDigest(end.digest, actual);
      }
      await file.sync();
      await this.#parts.blobs.makeLayout(owner.repository, { durable: true });
      await this.#parts.blobs.publish(file.path, owner.repository, end.digest);
      await this.#parts.blobs.sync(owner.repository, end.digest);
      await done();
    });
  }

  /** False where there is none. */
  async cancel(owner: UploadOwner, id: string): Promise<boolean> {
    try {
      const never = new AbortController().signal;
      await this.#using(owner, id, never, (_file, _hash, done) => done());
      return true;
    } catch (error) {
      if (error instanceof RegistryAnswerError && error.code === "BLOB_UPLOAD_UNKNOWN")
        return false;
      throw error;
    }
  }

  async #take(
    file: GrowingFile,
    hash: RunningHash,
    piece: UploadPiece,
    signal: AbortSignal,
  ): Promise<void> {
    checkStart(piece, file.size);
    await hash.catchUp(file.descriptor, file.size, signal);
    await appendPiece(file, hash, piece, { maxBytes: this.#parts.limits.maxBlobBytes, signal });
  }

  /** Runs `work` while nobody else has the upload. */
  async #using<T>(
    owner: UploadOwner,
    id: string,
    signal: AbortSignal,
    work: (file: GrowingFile, hash: RunningHash, done: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const path = this.#pathOf(owner, id);
    if (path === undefined) throw unknownUpload();
    return await this.#turns.run(path, async () => {
      signal.throwIfAborted();
      await using file = await this.#lock(path, signal);
      const name = uploadFileName(id, owner) ?? "";
      const hash = this.#hashOf(name);
      try {
        return await work(file, hash, async () => {
          await file.unlink();
          this.#hashes.delete(name);
          this.#count(userMark(owner.user), -1);
        });
      } finally {
        if (hash.size > file.size) this.#hashes.delete(name); // it has seen what could not be written
      }
    });
  }

  #hashOf(name: string): RunningHash {
    const hash = this.#hashes.get(name) ?? new RunningHash("sha256");
    this.#hashes.set(name, hash);
    return hash;
  }

  async #lock(path: string, signal: AbortSignal): Promise<GrowingFile> {
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 50) {
      const file = await GrowingFile.open(path);
      if (file === undefined) throw unknownUpload();
      if (await file.lockOrClose(this.#parts.tryLock)) return file;
      await sleep(50, undefined, { signal });
    }
    throw new RegistryAnswerError("UNAVAILABLE", "another request has this upload", {
      status: 503,
      retryable: true,
      headers: { "Retry-After": "5" },
    });
  }

  #pathOf(owner: UploadOwner, id: string): string | undefined {
    const name = uploadFileName(id, owner);
    return name && join(this.#parts.paths.uploads, name);
  }

  #count(mark: string, by: number): void {
    const count = (this.#openByUser.get(mark) ?? 0) + by;
    if (count > 0) this.#openByUser.set(mark, count);
    else this.#openByUser.delete(mark);
  }

  /** Counts anew what is there, other processes' too, and forgets what is not. */
  async recount(): Promise<void> {
    const names = (await readdir(this.#parts.paths.uploads)).filter((name) => userMarkIn(name));
    this.#openByUser.clear();
    for (const name of names) this.#count(userMarkIn(name) ?? "", 1);
    const there = new Set(names);
    for (const name of this.#hashes.keys()) if (!there.has(name)) this.#hashes.delete(name);
  }
}

function unknownUpload(): RegistryAnswerError {
  return new RegistryAnswerError("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", {
    status: 404,
  });
}

function wrongDigest(expected: Digest, actual: Digest): RegistryAnswerError {
  return new RegistryAnswerError(
    "DIGEST_INVALID",
    "provided digest did not match uploaded content",
    { status: 400, detail: { expected, actual } },
  );
}
