import assert from "node:assert/strict";
import { test } from "node:test";
import { type ReadJobs, schedulesGoingOn } from "../../../src/cli/serve/named-jobs.ts";
import { parseScheduleTimes } from "../../../src/jobs/schedule-times.ts";

const request = { kind: "sync", mirror: "base", dryRun: false } as const;

/** Schedules by name: cron's words, and a time zone. */
function readJobs(written: Readonly<Record<string, readonly [string, string?]>>): ReadJobs {
  const all = Object.entries(written).map(([name, [cron, timeZone]]) => ({
    ...{ name, cron, request, times: parseScheduleTimes(cron, timeZone), nextRun: () => undefined },
    ...(timeZone !== undefined && { timeZone }),
  }));
  const rules = { check: async () => {}, checkWebhook() {} };
  return { schedules: all, named: { rules, mirrors: [], schedules: all }, mayName: () => true };
}

test("schedules whose times changed begin when they are read, others go on where they are", () => {
  const before = readJobs({
    same: ["0 3 * * *"],
    later: ["0 3 * * *"],
    moved: ["0 3 * * *", "Europe/Berlin"],
    young: ["0 3 * * *"],
    gone: ["0 3 * * *"],
  });
  const after = readJobs({
    same: ["0 3 * * *"],
    later: ["0 5 * * *"],
    moved: ["0 3 * * *", "Asia/Tokyo"],
    young: ["0 3 * * *"],
    added: ["0 3 * * *"],
  });
  const scheduler = {
    next: () => undefined,
    seenTo: (name: string) => (name === "young" ? undefined : 1000),
    async [Symbol.asyncDispose]() {},
  };
  const seen = schedulesGoingOn(after, before, scheduler, 2000).map(({ name, seenTo }) => [
    name,
    seenTo,
  ]);
  assert.deepEqual(Object.fromEntries(seen), {
    same: 1000,
    later: 2000,
    moved: 2000,
    young: undefined, // it looks for its last job by itself
    added: 2000,
  });
});
