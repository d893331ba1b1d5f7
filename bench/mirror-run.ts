import { availableParallelism } from "node:os";
import { assemble } from "../src/cli/assemble.ts";
import { clock } from "../src/cli/clock.ts";
import { createLog, formatKeyValue } from "../src/cli/log.ts";
import { createTransfers } from "../src/copy/transfers.ts";
import { Compression } from "../src/stream/recompress.ts";
import { runMirror } from "../src/sync/run-mirror.ts";
import { mirrorRule, plainSteps } from "../test/support/mirror.ts";

/**
 * `node bench/mirror-run.ts FROM TO`: all tags of one repository to another, as `amphora sync` does it, and the summary as
 * JSON; for profiles.
 */
const [from = "", to = ""] = process.argv.slice(2);
const parts = await assemble({
  program: "amphora",
  version: "bench",
  log: createLog({
    write: (text) => process.stderr.write(text),
    format: formatKeyValue,
    debug: false,
    now: () => new Date(),
    isJson: false,
  }),
  settings: {
    commandTimeoutMs: 0,
    debug: false,
    insecurePolicy: true,
    requireSigned: false,
    logFormat: "text",
  },
});
const end = { retryTimes: 0, retryDelayMs: 0, tlsVerify: false };
const ends = { source: await parts.end(end), destination: await parts.end(end) };
const summary = await runMirror(
  { rules: [mirrorRule(`docker://${from}`, `docker://${to}`)] },
  {
    ends: { open: async (name) => ends[name as keyof typeof ends] },
    gate: await parts.gate(),
    transfers: createTransfers(16),
    compression: new Compression({ parallel: availableParallelism() }),
    steps: plainSteps,
    report: () => {},
    clock,
    random: Math.random,
    signal: new AbortController().signal,
    parallel: Number(process.env["AMPHORA_BENCH_PARALLEL"] ?? 16),
    retries: 2,
    keepGoing: true,
    dryRun: false,
  },
);
await parts.close();
const { rss } = process.memoryUsage();
console.log(JSON.stringify({ ...summary, ...parts.traffic(), rssMb: Math.round(rss / 2 ** 20) }));
console.log(JSON.stringify(process.resourceUsage().maxRSS / 1024));
