import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Environment } from "./environment.ts";
import { readIfThere } from "./load-file.ts";
import {
  type IdOwner,
  type IdRange,
  parseListedIds,
  parseSubordinateIds,
} from "./subordinate-ids.ts";

/** The numbers that a user may give to others in his namespaces. */
export interface SubordinateIds {
  readonly users: readonly IdRange[];
  readonly groups: readonly IdRange[];
}

/**
 * Reads `/etc/subuid` and `/etc/subgid`, or asks getsubids(1) where nsswitch.conf has other sources for them. Nothing of what
 * cannot be read.
 */
export async function loadSubordinateIds(
  environment: Environment,
  owner: IdOwner,
): Promise<SubordinateIds> {
  const { systemDirectory } = environment;
  if (/^\s*subid:(?!\s*(files\s*)?(#.*)?$)/m.test(textOf(join(systemDirectory, "nsswitch.conf")))) {
    const [users, groups] = await Promise.all([listIds(owner, []), listIds(owner, ["-g"])]);
    if (users && groups) return { users, groups };
  }
  return {
    users: parseSubordinateIds(textOf(join(systemDirectory, "subuid")), owner),
    groups: parseSubordinateIds(textOf(join(systemDirectory, "subgid")), owner),
  };
}

async function listIds({ name, uid }: IdOwner, flags: readonly string[]) {
  try {
    const asked = await promisify(execFile)("getsubids", [...flags, name ?? String(uid)]);
    return parseListedIds(asked.stdout);
  } catch {
    return undefined;
  }
}

function textOf(path: string): string {
  try {
    return readIfThere(path)?.toString("latin1") ?? "";
  } catch {
    return "";
  }
}
