import { clearEvery, kept, keptAs } from "../event-rules.ts";
import type { JobEvent, NotedEvent } from "../ledger.ts";
import type { JobsDatabase } from "./database.ts";

/** Adds an event to the story of a job that is there. */
export function noteRow(database: JobsDatabase, id: string, event: JobEvent, at: number): void {
  const { kind, slot } = keptAs(event);
  database.run("update jobs set events = events + 1 where id = ?", id);
  const number = Number(database.get("select events from jobs where id = ?", id)?.["events"]);
  if (slot !== undefined) {
    database.run("delete from events where job = ? and slot = ?", id, slot);
  }
  database.run(
    "insert into events (job, number, kind, slot, at, event) values (?, ?, ?, ?, ?, ?)",
    ...[id, number, kind, slot ?? null, at, JSON.stringify(event)],
  );
  if (number % clearEvery === 0) clear(database, id);
}

/** Removes the oldest of each kind of which there are too many. */
function clear(database: JobsDatabase, id: string): void {
  for (const [kind, count] of Object.entries(kept)) {
    database.run(
      `delete from events where job = ? and kind = ? and number <=
         (select number from events where job = ? and kind = ? order by number desc limit 1 offset ?)`,
      ...[id, kind, id, kind, count],
    );
  }
}

/** What was told of a job after an event, in order. */
export function eventsAfter(
  database: JobsDatabase,
  from: { readonly id: string; readonly after: number; readonly limit: number },
): readonly NotedEvent[] {
  const sql =
    "select number, at, event from events where job = ? and number > ? order by number limit ?";
  return database.all(sql, from.id, from.after, from.limit).map((row) => ({
    number: Number(row["number"]),
    at: Number(row["at"]),
    event: JSON.parse(String(row["event"])) as JobEvent,
  }));
}
