import { readFile } from "node:fs/promises";
import { isAbsent } from "./load-file.ts";

/** Numbers that a user may give to others inside user namespaces of his. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** What a user has in a file like /etc/subuid; nothing where there is no such file. */
export async function loadSubordinateIds(
  path: string,
  user: { readonly name: string; readonly uid: number },
): Promise<readonly IdRange[]> {
  try {
    return parseSubordinateIds(await readFile(path, "utf8"), user);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** subuid(5): `user:first:count` a line, the user by name or number. Lines of another form count for nobody. */
export function parseSubordinateIds(
  text: string,
  user: { readonly name: string; readonly uid: number },
): readonly IdRange[] {
  return text.split("\n").flatMap((line) => {
    const [, owner, first, count] = /^([^:]+):(\d+):(\d+)\s*$/.exec(line) ?? [];
    const isOurs = owner !== undefined && (owner === user.name || owner === String(user.uid));
    return isOurs && Number(count) > 0 ? [{ first: Number(first), count: Number(count) }] : [];
  });
}
