/** Numbers of users or groups that follow each other. */
export interface IdRange {
  readonly start: number;
  readonly length: number;
}

/** Whose numbers are looked for. */
export interface IdOwner {
  /** Undefined for a number that passwd does not know. */
  readonly name: string | undefined;
  readonly uid: number;
}

/** One piece of a user namespace's map: its own numbers, the ones outside that they are, and how many. */
export interface IdMapping {
  readonly inside: number;
  readonly outside: number;
  readonly length: number;
}

/**
 * The ranges of a user in `/etc/subuid` or `/etc/subgid`, the lowest first, as podman lays them side by side. Lines that are
 * none are passed over — subuid(5):
 *
 *     line = ( name | uid ) ":" start ":" length
 */
export function parseSubordinateIds(text: string, { name, uid }: IdOwner): readonly IdRange[] {
  const rows = text.split("\n").map((line) => line.trim().split(":"));
  const own = rows.filter(([owner]) => owner === name || owner === String(uid));
  return rangesOf(own.map(([, ...numbers]) => numbers));
}

/** What getsubids(1) prints: `0: name start length` in each line. */
export function parseListedIds(text: string): readonly IdRange[] {
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  return rangesOf(rows.map((words) => words.slice(-2)));
}

function rangesOf(pairs: readonly (readonly (string | undefined)[])[]): readonly IdRange[] {
  return pairs
    .filter((pair) => pair.length === 2 && pair.every((text) => /^\d{1,10}$/.test(text ?? "")))
    .map(([start, length]) => ({ start: Number(start), length: Number(length) }))
    .filter(({ length }) => length > 0)
    .toSorted((a, b) => a.start - b.start);
}

/** The user is number 0 of the namespace, and the ranges follow from 1 on without a gap. */
export function mapIds(own: number, ranges: readonly IdRange[]): readonly IdMapping[] {
  let inside = 0;
  return [{ start: own, length: 1 }, ...ranges].map(({ start, length }) => {
    const mapping = { inside, outside: start, length };
    inside += length;
    return mapping;
  });
}

/** The text of `/proc/PID/uid_map`, and of what is written into it. */
export function parseIdMap(text: string): readonly IdMapping[] {
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return rows.flatMap(([inside, outside, length]) =>
    inside === undefined || outside === undefined || length === undefined
      ? []
      : [{ inside, outside, length }],
  );
}
