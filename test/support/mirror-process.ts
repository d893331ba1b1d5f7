import { SyncReport } from "../../src/sync/report.ts";
import { Engine } from "./engine.ts";
import { mirrorRule, mirrorWith } from "./mirror.ts";

/**
 * `node mirror-process.ts FROM TO REPORT`: mirrors a repository in a process of its own, to be killed. Says a line for each
 * image that has ended, after it was reported.
 */
const [from = "", to = "", path = ""] = process.argv.slice(2);
const options = { dryRun: false, now: Date.now };
using report = new SyncReport(path, { mode: "continue", ...options });
await using engine = new Engine();
const { summary } = await mirrorWith(engine, [mirrorRule(from, to)], {
  keepGoing: true,
  retries: 3,
  report(event) {
    report.note(event);
    if (event.type === "image-ended") process.stdout.write(`${event.outcome.type}\n`);
  },
});
report.end(summary);
