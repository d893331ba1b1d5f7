import { writeFile } from "node:fs/promises";
import { cases } from "./cases.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/**
 * Records what some skopeo answers to every case: `node record.ts OUT.json FILTER COMMAND…` (a regular expression of names).
 * Made the files in `test/fixtures/skopeo`; run again when the cases change.
 */
const [out, filter, path, ...args] = process.argv.slice(2);
if (out === undefined || filter === undefined || path === undefined)
  throw new Error("usage: record.ts OUT.json FILTER COMMAND…");
const outcomes: Record<string, Outcome> = {};
for (const one of cases.filter(({ name }) => new RegExp(filter).test(name))) {
  const env = { PATH: process.env["PATH"] ?? "" };
  outcomes[one.name] = await outcomeOf({ path, args, env }, one);
}
await writeFile(out, `${JSON.stringify(outcomes, null, 1)}\n`);
