import {
  chmodAt,
  chmodFile,
  chownAt,
  chownFile,
  type PathBytes,
  pathAt,
  setFileTimes,
  setTimesAt,
  TimesBuffer,
} from "../../libc/at.ts";
import { type FileFacts, fileType } from "../../libc/stat-at.ts";
import {
  getXattr,
  getXattrOf,
  listXattrs,
  listXattrsOf,
  setXattr,
  setXattrOf,
} from "../../libc/xattr.ts";
import { errnoOf, unless } from "../errors.ts";
import { kernelPath } from "../unpack/folders.ts";

/** What may be left out of a copy. */
export interface AttributeOptions {
  /** What the system refuses in a user namespace. */
  readonly userNamespace: boolean;
  /** Owners. */
  readonly ignoreChownErrors: boolean;
}

/** A name in an open folder. */
export interface NameIn {
  readonly dir: number;
  readonly name: PathBytes;
}

/** Reads and sets the extended attributes of one file. */
interface Attributed {
  list(): readonly string[];
  get(name: PathBytes): Buffer | undefined;
  set(name: PathBytes, value: Buffer): void;
}

/**
 * Gives copies the owner, mode, extended attributes and times of their models. In this order: a new owner takes away
 * set-user-ID bits and capabilities.
 */
export class AttributeCopy {
  readonly #options: AttributeOptions;
  readonly #refusals: readonly string[];
  readonly #times = new TimesBuffer();
  readonly #uid = process.geteuid?.();
  readonly #gid = process.getegid?.();

  constructor(options: AttributeOptions) {
    this.#options = options;
    this.#refusals = options.ignoreChownErrors ? ["EPERM", "EINVAL"] : [];
  }

  /** Of a file that was made just now, in a folder of that group. */
  toNewFile(from: number, to: number, facts: FileFacts, folderGid: number): void {
    const owned = facts.uid === this.#uid && facts.gid === this.#gid && folderGid === this.#gid;
    if (owned) this.#allButOwner(from, to, facts);
    else this.toOpen(from, to, facts);
  }

  /** Of anything that is open. */
  toOpen(from: number, to: number, facts: FileFacts): void {
    unless(this.#refusals, () => chownFile(to, facts.uid, facts.gid));
    this.#allButOwner(from, to, facts);
  }

  #allButOwner(from: number, to: number, facts: FileFacts): void {
    chmodFile(to, facts.mode & 0o7777);
    this.#xattrs(ofOpen(from), ofOpen(to), []);
    this.times(to, facts);
  }

  /** Of what cannot be opened: a link, a device. */
  toName(from: NameIn, to: NameIn, facts: FileFacts): void {
    unless(this.#refusals, () => chownAt(to.dir, to.name, facts.uid, facts.gid));
    const isLink = (facts.mode & fileType.mask) === fileType.symlink;
    if (!isLink) chmodAt(to.dir, to.name, facts.mode & 0o7777);
    this.#xattrs(ofName(from), ofName(to), []);
    setTimesAt(to.dir, to.name, this.#times.set(facts.access, facts.change));
  }

  /** The extended attributes that an open file does not have yet. */
  missingXattrs(from: number, to: number): void {
    const model = ofOpen(from);
    const copy = ofOpen(to);
    if (known(model).length > 0) this.#xattrs(model, copy, known(copy));
  }

  times(fd: number, { access, change }: FileFacts): void {
    setFileTimes(fd, this.#times.set(access, change));
  }

  /** What a file system or a user namespace cannot have is left out; SELinux labels are the copy's own. */
  #xattrs(from: Attributed, to: Attributed, but: readonly string[]): void {
    for (const name of known(from)) {
      if (name === "security.selinux" || but.includes(name)) continue;
      const value = from.get(kernelPath(name));
      if (value === undefined) continue;
      try {
        to.set(kernelPath(name), value);
      } catch (error) {
        const errno = errnoOf(error);
        if (errno !== "ENOTSUP" && !(this.#options.userNamespace && errno === "EPERM")) throw error;
      }
    }
  }
}

function ofOpen(fd: number): Attributed {
  return {
    list: () => listXattrs(fd),
    get: (name) => getXattr(fd, name),
    set: (name, value) => setXattr(fd, name, value),
  };
}

function ofName({ dir, name }: NameIn): Attributed {
  const path = pathAt(dir, name);
  return {
    list: () => listXattrsOf(path),
    get: (key) => getXattrOf(path, key),
    set: (key, value) => setXattrOf(path, key, value),
  };
}

function known(file: Attributed): readonly string[] {
  try {
    return file.list();
  } catch (error) {
    if (errnoOf(error) === "ENOTSUP") return [];
    throw error;
  }
}
