import {
  chmodAt,
  chmodFile,
  chownAt,
  chownFile,
  type KernelTime,
  pathAt,
  setFileTimes,
  setTimesAt,
  TimesBuffer,
} from "../../libc/at.ts";
import { SystemCallError } from "../../libc/libc.ts";
import { setXattr, setXattrOf } from "../../libc/xattr.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import type { TarTime } from "../../stream/tar/fields.ts";
import type { TarHeader } from "../../stream/tar/header.ts";
import { UnpackError } from "./errors.ts";
import { kernelPath } from "./folders.ts";
import type { Place } from "./place.ts";

/** What of a header is applied how. */
export interface AttributeRules {
  /** Attributes that the system refuses are left out, as in any user namespace. */
  readonly userNamespace: boolean;
  /** So are owners. */
  readonly ignoreChownErrors: boolean;
}

/** What is set of the attributes: a link has no mode; a hard link to one neither, nor has it times in Go's eyes. */
export type AttributeKind = "file" | "symlink" | "link-to-symlink";

/** Go's times reach from 1970 to what 63 bits of nanoseconds are; beyond, it sets 0. */
const last = { seconds: 9_223_372_036, nanoseconds: 854_775_807 };

const xattrPrefix = "SCHILY.xattr.";

/** Sets owner, mode, times and extended attributes, in this order: changing the owner takes bits of the mode away. */
export class Attributes {
  readonly #rules: AttributeRules;
  readonly #times = new TimesBuffer();
  /** Whose new files are without being given to anybody. */
  readonly #uid = process.geteuid?.();
  readonly #gid = process.getegid?.();

  constructor(rules: AttributeRules) {
    this.#rules = rules;
  }

  /** Of a regular file that was made in a folder of that group, and is open still. @throws {SystemCallError} */
  applyToNewFile(fd: number, header: TarHeader, folderGid: number): void {
    const owned = header.uid === this.#uid && header.gid === this.#gid && folderGid === this.#gid;
    if (!owned) this.#own(header, (uid, gid) => chownFile(fd, uid, gid));
    this.#applyOthers(fd, header);
  }

  /** Of anything that is open. @throws {SystemCallError} */
  applyToFile(fd: number, header: TarHeader): void {
    this.#own(header, (uid, gid) => chownFile(fd, uid, gid));
    this.#applyOthers(fd, header);
  }

  #applyOthers(fd: number, header: TarHeader): void {
    chmodFile(fd, header.mode & 0o7777);
    setFileTimes(fd, this.#timesOf(header, "file"));
    if (header.pax.size > 0) this.#xattrs(header, (name, value) => setXattr(fd, name, value));
  }

  /** Of anything by its name. @throws {SystemCallError} */
  apply({ folder, leaf }: Place, header: TarHeader, kind: AttributeKind): void {
    this.own({ folder, leaf }, header);
    if (kind === "file") chmodAt(folder.fd, leaf, header.mode & 0o7777);
    if (kind !== "link-to-symlink") setTimesAt(folder.fd, leaf, this.#timesOf(header, kind));
    if (header.pax.size === 0) return;
    const path = pathAt(folder.fd, leaf);
    this.#xattrs(header, (name, value) => setXattrOf(path, name, value));
  }

  /** The owner alone. @throws {SystemCallError} */
  own({ folder, leaf }: Pick<Place, "folder" | "leaf">, header: TarHeader): void {
    this.#own(header, (uid, gid) => chownAt(folder.fd, leaf, uid, gid));
  }

  /** A folder's time of change, once more. @throws {SystemCallError} */
  setFolderTime({ folder, leaf }: Place, change: TarTime): void {
    const time = bounded(change);
    setTimesAt(folder.fd, leaf, this.#times.set(time, time));
  }

  #own(header: TarHeader, change: (uid: number, gid: number) => void): void {
    const [uid, gid] = [header.uid >>> 0, header.gid >>> 0];
    try {
      change(uid, gid);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      if (this.#rules.ignoreChownErrors) return;
      throw error.code === "EINVAL" ? unmapped(uid, gid, error) : error;
    }
  }

  /** The last access is never before the last change. */
  #timesOf({ mtime, atime }: TarHeader, kind: AttributeKind): TimesBuffer {
    const access = atime && !isBefore(atime, mtime) ? atime : mtime;
    if (kind === "symlink") return this.#times.set(access, mtime);
    return this.#times.set(bounded(access), bounded(mtime));
  }

  #xattrs(header: TarHeader, set: (name: string | Buffer, value: Buffer) => void): void {
    if (header.pax.size === 0) return;
    for (const [key, value] of header.pax) {
      if (!key.startsWith(xattrPrefix)) continue;
      const name = key.slice(xattrPrefix.length);
      if (!isHarmless(name)) continue;
      try {
        set(kernelPath(name), Buffer.from(value, "latin1"));
      } catch (error) {
        if (!this.#mayLack(error)) throw error;
      }
    }
  }

  #mayLack(error: unknown): boolean {
    if (!(error instanceof SystemCallError)) return false;
    if (error.code === "ENOTSUP" || error.code === "EOPNOTSUPP") return true;
    return error.code === "EPERM" && this.#rules.userNamespace;
  }
}

/** SELinux' label is the host's to give; overlayfs takes its own attributes for orders. */
function isHarmless(name: ByteString): boolean {
  return name !== "security.selinux" && !/^(?:trusted|user)\.overlay\./.test(name);
}

function isBefore(one: TarTime, other: TarTime): boolean {
  if (one.seconds !== other.seconds) return one.seconds < other.seconds;
  return one.nanoseconds < other.nanoseconds;
}

function bounded(time: TarTime): KernelTime {
  const within = time.seconds >= 0 && !isBefore(last, time);
  return within ? time : { seconds: 0, nanoseconds: 0 };
}

/** No such owner is in the user namespace: skopeo's text, since users look for it. */
function unmapped(uid: number, gid: number, cause: SystemCallError): UnpackError {
  const message = `potentially insufficient UIDs or GIDs available in user namespace (requested ${uid}:${gid}): Check /etc/subuid and /etc/subgid if configured locally and run "podman system migrate": lchown: invalid argument`;
  return new UnpackError("storage.unpack-failed", message, { cause });
}
