import { readFileSync } from "node:fs";
import { type IdMapping, mapIds, parseIdMap } from "../../config/subordinate-ids.ts";

/**
 * What becomes of the owners of files that are unpacked: they are kept (root), they are the ones that the user namespace maps them
 * to, or all of them are the user, who has no other.
 */
export type OwnersKept =
  | { readonly owners: "kept" }
  | {
      readonly owners: "mapped" | "mine";
      readonly users: readonly IdMapping[];
      readonly groups: readonly IdMapping[];
    };

/** What it is for this process. */
export function loadOwners(): OwnersKept {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (uid !== 0) return { owners: "mine", users: mapIds(uid, []), groups: mapIds(gid, []) };
  const [users, groups] = [mapOf("uid_map"), mapOf("gid_map")];
  const known = users.reduce((sum, { length }) => sum + length, 0);
  if (known === 0 || known >= 2 ** 32 - 1) return { owners: "kept" };
  return { owners: known > 1 ? "mapped" : "mine", users, groups };
}

function mapOf(name: "uid_map" | "gid_map"): readonly IdMapping[] {
  try {
    return parseIdMap(readFileSync(`/proc/self/${name}`, "latin1"));
  } catch {
    return []; // only Linux has them
  }
}
