import { isUnwritableTime, readTime } from "../core/go-time.ts";

/** A time as Go writes it. `milliseconds` since 1970. */
export function goTimeOf(milliseconds: number): string {
  const read = readTime(new Date(milliseconds).toISOString());
  if ("failure" in read) throw new RangeError(read.failure);
  return read.time;
}

/**
 * A time that somebody else wrote, as Go writes it; undefined where Go could not read or write it: one such text in a
 * database makes the whole store unreadable to some tools, and others then lose the records beside it (spec 5).
 */
export function checkedTime(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const read = readTime(text);
  return "time" in read && !isUnwritableTime(read.time) ? read.time : undefined;
}
