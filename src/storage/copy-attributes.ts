import { type BigIntStats, chmodSync, lchownSync } from "node:fs";
import { at, setTimesAt, TimesBuffer } from "../libc/at.ts";
import { getXattrOf, listXattrsOf, setXattrOf } from "../libc/xattr.ts";
import type { CopyTreeOptions } from "./copy-tree.ts";
import { errnoOf, unless } from "./errors.ts";

const times = new TimesBuffer();

/**
 * Gives a copy the owner, mode, extended attributes and times of its model. In this order: a new owner takes away set-user-ID
 * bits and capabilities.
 */
export function copyAttributes(
  from: Buffer,
  to: Buffer,
  stat: BigIntStats,
  { userNamespace, ignoreChownErrors }: CopyTreeOptions,
): void {
  const refusals = ignoreChownErrors ? ["EPERM", "EINVAL"] : [];
  unless(refusals, () => lchownSync(to, Number(stat.uid), Number(stat.gid)));
  if (!stat.isSymbolicLink()) chmodSync(to, Number(stat.mode & 0o7777n));
  copyXattrs(terminated(from), terminated(to), userNamespace);
  setTimesAt(at.fdcwd, terminated(to), times.set(timeOf(stat.atimeNs), timeOf(stat.mtimeNs)));
}

/** What a file system or a user namespace cannot have is left out; SELinux labels are the copy's own. */
function copyXattrs(from: Buffer, to: Buffer, userNamespace: boolean): void {
  for (const name of listXattrs(from)) {
    if (name === "security.selinux") continue;
    const key = terminated(Buffer.from(name, "latin1"));
    const value = getXattrOf(from, key);
    if (value === undefined) continue;
    try {
      setXattrOf(to, key, value);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== "ENOTSUP" && !(userNamespace && errno === "EPERM")) throw error;
    }
  }
}

function listXattrs(path: Buffer): readonly string[] {
  try {
    return listXattrsOf(path);
  } catch (error) {
    if (errnoOf(error) === "ENOTSUP") return [];
    throw error;
  }
}

const billion = 1_000_000_000n;

function timeOf(nanoseconds: bigint) {
  const rest = ((nanoseconds % billion) + billion) % billion;
  return { seconds: Number((nanoseconds - rest) / billion), nanoseconds: Number(rest) };
}

function terminated(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.of(0)]);
}
