import { writeFile } from "node:fs/promises";
import { cases } from "./cases.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/**
 * Records what some skopeo answers to every case: `node record.ts OUT.json COMMAND…`.
 * Made the files in `test/fixtures/skopeo`; run again when the cases change.
 */
const [out, path, ...args] = process.argv.slice(2);
if (out === undefined || path === undefined) throw new Error("usage: record.ts OUT.json COMMAND…");
const outcomes: Record<string, Outcome> = {};
for (const one of cases) {
  const env = { PATH: process.env["PATH"] ?? "" };
  outcomes[one.name] = await outcomeOf({ path, args, env }, one);
}
await writeFile(out, `${JSON.stringify(outcomes, null, 1)}\n`);
