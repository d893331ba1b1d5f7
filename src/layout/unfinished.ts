import { lstat, mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { tidying, unless } from "./errors.ts";
import { isOwner, lifeOf, newOwner, type OwnProcess } from "./owner.ts";

const prefix = ".amphora-";

/** After this long untouched, what somebody made whom we cannot look up is taken for left behind. */
const abandonedMs = 24 * 60 * 60 * 1000;

/** A path in `folder` for something of this owner's that gets its real name when it is whole. */
export function unfinishedPath(folder: string, owner: string): string {
  return join(folder, prefix + owner);
}

/** True for the names that only this program gives, and only for as long as it runs. */
export function isUnfinishedName(name: string): boolean {
  return name === lockName || ownerIn(name) !== undefined;
}

/** The name of the folder that is a lock while there is something in it: `folder-lock.ts`. */
export const lockName = `${prefix}lock`;

function ownerIn(name: string): string | undefined {
  const owner = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return isOwner(owner) ? owner : undefined;
}

/**
 * Removes what runs that were killed left in `folder`, and nothing of a run that may still be going on. What cannot be
 * removed stays: it harms nobody. A folder that is not there has nothing in it.
 */
export async function sweepUnfinished(folder: string, self: OwnProcess): Promise<void> {
  const names = await unless(["ENOENT", "ENOTDIR", "EACCES"], () => readdir(folder));
  for (const name of names ?? []) {
    const owner = ownerIn(name);
    if (owner === undefined) continue;
    await tidying(() => sweepOne(folder, name, owner, self));
  }
}

async function sweepOne(
  folder: string,
  name: string,
  owner: string,
  self: OwnProcess,
): Promise<void> {
  const path = join(folder, name);
  const life = await lifeOf(owner, self);
  if (life === "alive" || (life === "unknown" && !(await isAbandoned(path, folder, self)))) return;
  await removeOwn(path);
}

/** Only what belongs to us: in a folder like /tmp anybody may have made a thing of such a name. */
async function removeOwn(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.uid === process.geteuid?.()) await rm(path, { recursive: true, force: true });
}

/** Ages by the clock of the file system that `folder` is on, which may be another machine's. */
async function isAbandoned(path: string, folder: string, self: OwnProcess): Promise<boolean> {
  const found = await lstat(path);
  const probe = unfinishedPath(folder, newOwner(self));
  await mkdir(probe);
  const made = await lstat(probe);
  await rmdir(probe);
  return made.mtimeMs - found.mtimeMs > abandonedMs;
}
