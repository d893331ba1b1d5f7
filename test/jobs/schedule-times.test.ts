import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScheduleTimes } from "../../src/jobs/schedule-times.ts";

function at(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

test("parseScheduleTimes() knows the next and the last time", () => {
  for (const [text, zone, now, next, last] of [
    ["0 3 * * *", undefined, "2026-03-01T00:00:00Z", "2026-03-01T03:00", "2026-02-28T03:00"],
    ["0 3 * * *", "Europe/Berlin", "2026-03-01T00:00:00Z", "2026-03-01T02:00", "2026-02-28T02:00"],
    ["0 3 * * *", undefined, "2026-03-01T03:00:00Z", "2026-03-02T03:00", "2026-03-01T03:00"],
    ["0 3 * * *", undefined, "2026-03-01T02:59:59.999Z", "2026-03-01T03:00", "2026-02-28T03:00"],
    [
      "*/15 9-17 * * MON-FRI",
      undefined,
      "2026-03-01T12:00Z",
      "2026-03-02T09:00",
      "2026-02-27T17:45",
    ],
    ["0 0 L * *", undefined, "2026-02-10T00:00Z", "2026-02-28T00:00", "2026-01-31T00:00"],
    ["@daily", "America/New_York", "2026-06-01T05:00Z", "2026-06-02T04:00", "2026-06-01T04:00"],
    [" @hourly ", undefined, "2026-06-01T05:30Z", "2026-06-01T06:00", "2026-06-01T05:00"],
    // Left out by a change of clocks, and repeated by one.
    ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T01:00", "2026-03-28T01:30"],
    ["30 2 * * *", "Europe/Berlin", "2026-10-25T00:31Z", "2026-10-26T01:30", "2026-10-25T00:30"],
    ["every 6h", undefined, "2026-03-01T00:00:00Z", "2026-03-01T06:00", "2026-03-01T00:00"],
    ["every 1h30m", undefined, "2026-03-01T01:31:00Z", "2026-03-01T03:00", "2026-03-01T01:30"],
  ] as const) {
    const times = parseScheduleTimes(text, zone);
    const told = [at(times.next(Date.parse(now))), at(times.last(Date.parse(now)))];
    assert.deepEqual(told, [`${next}:00.000Z`, `${last}:00.000Z`], `${text} ${zone} ${now}`);
  }
});

test("parseScheduleTimes() refuses what is no schedule", () => {
  for (const [text, zone] of [
    [""],
    ["x"],
    ["* * * *"],
    ["0 0 3 * * *"],
    ["60 * * * *"],
    ["* 24 * * *"],
    ["*/0 * * * *"],
    ["5-1 * * * *"],
    ["/5 * * * *"],
    ["0 0 31 2 *"],
    ["0 0 * * FOO"],
    ["@reboot"],
    ["@never"],
    ["2026-01-01T00:00:00"],
    ["every"],
    ["every 5"],
    ["every 30s"],
    ["every 1h x"],
    ["every 0h"],
    ["every -1h"],
    ["every 999999999d"],
    ["0 3 * * *", "Mars/Olympus"],
    ["0 3 * * *", ""],
  ] as const) {
    assert.throws(() => parseScheduleTimes(text, zone), { code: "job.bad-schedule" }, text);
  }
});
