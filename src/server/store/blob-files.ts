import { randomBytes } from "node:crypto";
import { constants, type Stats, statSync, unlinkSync } from "node:fs";
import {
  copyFile,
  link,
  open,
  readFile,
  rename,
  stat,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import { makeFolders } from "../../core/make-folders.ts";
import { errnoOf, unless } from "../../layout/errors.ts";
import { FolderSyncs } from "../../stream/group-sync.ts";
import { algorithms, type StorePaths } from "./store-paths.ts";

/** What an empty layout says. */
const emptyIndex =
  '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';

/** Where a hard link cannot be, a copy can: too many of them, or a file system without. */
const unlinkable: ReadonlySet<string> = new Set([
  "EMLINK",
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EXDEV",
]);

/** What is known of a blob's file. */
export interface BlobStat {
  readonly size: number;
  /** When it last got or lost a name, or was asked after; milliseconds since 1970. */
  readonly changedAt: number;
}

/** The files of blobs: all of them in one folder, and by hard links in the layouts of those repositories that have them. */
export class BlobFiles {
  readonly #paths: StorePaths;
  readonly #syncs = new FolderSyncs();
  /** Layouts that this process has seen, and those that it has seen to be on the disk. */
  readonly #made = new Set<string>();
  readonly #durable = new Set<string>();

  constructor(paths: StorePaths) {
    this.#paths = paths;
  }

  /** Makes a repository's layout. Where it is to stay, it and the folders in which it lies are on the disk then. */
  async makeLayout(name: string, { durable }: { readonly durable: boolean }): Promise<void> {
    const layout = this.#paths.layout(name);
    if (!this.#made.has(layout)) await this.#makeLayout(layout);
    this.#made.add(layout);
    if (!durable || this.#durable.has(layout)) return;
    await this.#syncUp(layout);
    this.#durable.add(layout);
  }

  async #makeLayout(layout: string): Promise<void> {
    const mark = join(layout, "oci-layout");
    if ((await unless(["ENOENT", "ENOTDIR"], () => stat(mark))) !== undefined) return;
    for (const algorithm of algorithms) await makeFolders(join(layout, "blobs", algorithm));
    const index = join(layout, "index.json");
    await unless(["EEXIST"], () => this.#place(index, emptyIndex));
    await unless(["EEXIST"], () => this.#place(mark, '{"imageLayoutVersion":"1.0.0"}'));
  }

  /** Puts a small file where none is, whole. */
  async #place(path: string, text: string): Promise<void> {
    const aside = join(this.#paths.uploads, `aside-${randomBytes(12).toString("hex")}`);
    try {
      await writeFile(aside, text, { flag: "wx", flush: true });
      await link(aside, path);
    } catch (error) {
      if (!unlinkable.has(errnoOf(error) ?? "")) throw error;
      await rename(aside, path);
    } finally {
      await unless(["ENOENT"], () => unlink(aside));
    }
  }

  async #syncUp(layout: string): Promise<void> {
    const folders = [join(layout, "blobs")];
    for (let at = layout; at.length >= this.#paths.repositories.length; at = dirname(at)) {
      folders.push(at);
    }
    await Promise.all(folders.map((folder) => this.#syncs.done(folder)));
  }

  async stat(name: string, digest: Digest): Promise<BlobStat | undefined> {
    const found = await unless(["ENOENT", "ENOTDIR"], () => stat(this.#paths.blob(name, digest)));
    return found?.isFile() ? { size: found.size, changedAt: found.ctimeMs } : undefined;
  }

  /** Whether any repository may have it; not known where there are no hard links: then it looks as if none had. */
  async isShared(digest: Digest): Promise<boolean> {
    return (await unless(["ENOENT"], () => stat(this.#paths.shared(digest)))) !== undefined;
  }

  /** As {@link stat}, at once. */
  statSync(name: string, digest: Digest): BlobStat | undefined {
    const found = statSync(this.#paths.blob(name, digest), { throwIfNoEntry: false });
    return found?.isFile() ? { size: found.size, changedAt: found.ctimeMs } : undefined;
  }

  /** Somebody counts on it: its age begins anew. `time` is for those who look at the file. */
  async touch(name: string, digest: Digest, time: number): Promise<void> {
    await unless(["ENOENT", "EPERM", "EACCES", "EROFS"], () =>
      utimes(this.#paths.blob(name, digest), time / 1000, time / 1000),
    );
  }

  /** Opens it to be read; the caller closes. */
  async open(name: string, digest: Digest) {
    return await unless(["ENOENT", "ENOTDIR"], () => open(this.#paths.blob(name, digest), "r"));
  }

  /**
   * Makes the verified, synced file at `path` the blob `digest` of a repository. Where there is such a blob already that one
   * is taken; only where it has another size, which means that it is damaged, ours takes its place. `path` keeps its name.
   * The layout must be there.
   */
  async publish(path: string, name: string, digest: Digest): Promise<void> {
    const { size } = await stat(path);
    const shared = this.#paths.shared(digest);
    for (;;) {
      if (await this.#linked(path, shared)) {
        await this.#linkOver(path, this.#paths.blob(name, digest), size);
        break;
      }
      const there = await unless(["ENOENT"], () => stat(shared));
      if (there?.size !== size) {
        await this.#replace(path, shared);
        continue;
      }
      const linked = await unless(["ENOENT"], async () => {
        await this.#linkOver(shared, this.#paths.blob(name, digest), size);
        return true;
      });
      if (linked) break; // else garbage collection was quicker: nobody else had it
    }
  }

  /** A blob and its names are on the disk when it returns. */
  async sync(name: string, digest: Digest): Promise<void> {
    const handle = await this.open(name, digest);
    if (handle === undefined) return; // removed meanwhile
    await handle.datasync().finally(() => handle.close());
    await this.syncNames(name, digest);
  }

  /** The names of a blob are on the disk when it returns. */
  async syncNames(name: string, digest: Digest): Promise<void> {
    await Promise.all([
      this.#syncs.done(dirname(this.#paths.shared(digest))),
      this.#syncs.done(dirname(this.#paths.blob(name, digest))),
    ]);
  }

  /**
   * Takes a blob over from another repository, or with undefined from wherever it is; false where it is not there. The layout
   * must be there.
   */
  async adopt(from: string | undefined, name: string, digest: Digest): Promise<boolean> {
    const source = from === undefined ? this.#paths.shared(digest) : this.#paths.blob(from, digest);
    const there = await unless(["ENOENT", "ENOTDIR"], () => stat(source));
    if (!there?.isFile()) return false;
    const done = await unless(["ENOENT"], async () => {
      await this.#linkOver(source, this.#paths.blob(name, digest), there.size);
      return true;
    });
    return done ?? false;
  }

  /** Links, or copies; what is there already stays where it has the right size, and is young again. */
  async #linkOver(source: string, path: string, size: number): Promise<void> {
    for (;;) {
      if (await this.#linked(source, path)) return;
      const there = await unless(["ENOENT"], () => stat(path));
      if (there?.size !== size) return await this.#replace(source, path);
      if (await this.#rejuvenated(path, there)) return; // else garbage collection was quicker
    }
  }

  /** False where it is gone. Any change of its times begins its age anew, as linking it would have. */
  async #rejuvenated(path: string, { atime, mtime }: Stats): Promise<boolean> {
    const done = await unless(["ENOENT"], async () => {
      await unless(["EPERM", "EACCES", "EROFS"], () => utimes(path, atime, mtime));
      return true;
    });
    return done ?? false;
  }

  /** False where something is there. */
  async #linked(source: string, path: string): Promise<boolean> {
    try {
      await link(source, path);
      return true;
    } catch (error) {
      const errno = errnoOf(error) ?? "";
      if (errno === "EEXIST") return false;
      if (!unlinkable.has(errno)) throw error;
      if ((await unless(["ENOENT"], () => stat(path))) !== undefined) return false;
      await this.#copy(source, path);
      return true;
    }
  }

  async #replace(source: string, path: string): Promise<void> {
    const aside = join(this.#paths.uploads, `aside-${randomBytes(12).toString("hex")}`);
    try {
      if (!(await this.#linked(source, aside))) throw new Error(`${aside} is there`);
      await rename(aside, path);
    } finally {
      await unless(["ENOENT"], () => unlink(aside));
    }
  }

  async #copy(source: string, path: string): Promise<void> {
    const aside = join(this.#paths.uploads, `aside-${randomBytes(12).toString("hex")}`);
    try {
      await copyFile(source, aside, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      const handle = await open(aside, "r+");
      await handle.datasync().finally(() => handle.close());
      await rename(aside, path);
    } finally {
      await unless(["ENOENT"], () => unlink(aside));
    }
  }

  /** Whether a small blob's file has these very bytes; undefined where there is no file. */
  async holds(name: string, digest: Digest, bytes: Uint8Array): Promise<boolean | undefined> {
    const found = await unless(["ENOENT", "ENOTDIR"], () =>
      readFile(this.#paths.blob(name, digest)),
    );
    return found?.equals(bytes);
  }

  /** Takes away what is called like a blob, and is another. */
  async removeDamaged(name: string, digest: Digest): Promise<void> {
    for (const path of [this.#paths.blob(name, digest), this.#paths.shared(digest)]) {
      await unless(["ENOENT"], () => unlink(path));
    }
  }

  /** Takes a repository's name of a blob away; at once, for use in a transaction. False where it has none. */
  removeSync(name: string, digest: Digest): boolean {
    try {
      unlinkSync(this.#paths.blob(name, digest));
      return true;
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return false;
      throw error;
    }
  }

  /** Removes the shared name where no repository has the blob any more. Gives how many bytes the disk got back. */
  async freeShared(digest: Digest, unchangedSince = Number.POSITIVE_INFINITY): Promise<number> {
    const path = this.#paths.shared(digest);
    const found = await unless(["ENOENT"], () => stat(path));
    if (found === undefined || found.nlink > 1 || found.ctimeMs > unchangedSince) return 0;
    await unless(["ENOENT"], () => unlink(path));
    return found.size;
  }
}
