// One job from its being asked for to its end. Run by itself, ADDRESS N, it dies at the n-th call of what keeps the jobs; or
// prints how many there were.
import { setTimeout as pause } from "node:timers/promises";
import type { Job } from "../../../src/jobs/job.ts";
import type { Jobs } from "../../../src/jobs/jobs.ts";
import type { JobLedger } from "../../../src/jobs/ledger.ts";
import { submitJob } from "../../../src/jobs/submit-job.ts";
import { runWorker } from "../../../src/jobs/worker.ts";
import { failRedis, failSqlite } from "../../support/jobs/failing-store.ts";
import { openAddress } from "./open-address.ts";

const request = { kind: "verify", image: { image: "docker://localhost/a" } } as const;
const result = { kind: "copy", digest: "sha256:1", unchanged: false } as const;

/** Asks for it, by a key, and does it. */
export async function doOneJob(jobs: Jobs, ledger: JobLedger): Promise<Job> {
  const desk = { ...jobs, now: Date.now, random: () => new Uint8Array(10) };
  const order = { request, owner: "ann", idempotencyKey: "k", webhook: "https://a.example/" };
  const { job } = await submitJob(desk, order);
  const stop = new AbortController();
  const worker = runWorker({
    ...jobs,
    ...{ slots: 1, attempts: 3, signal: stop.signal, now: Date.now, random: Math.random },
    reconcileMs: 200,
    perform: async () => result,
    report: () => {},
  });
  for await (const _event of ledger.watch(job.id, 0, { signal: AbortSignal.timeout(60_000) }));
  for (let left = 1; left > 0; await pause(10)) {
    const { waiting, running } = await jobs.queue.size();
    left = waiting + running;
  }
  stop.abort();
  await worker;
  return (await ledger.get(job.id)) as Job;
}

if (process.argv[1] === import.meta.filename) {
  const [address = "", at = ""] = process.argv.slice(2);
  const fail = address.includes("file") ? failSqlite : failRedis;
  using dying = fail({ at: Number(at), how: "dies" });
  await using jobs = await openAddress<{ readonly id: string }>(address, { leaseMs: 3000 });
  await doOneJob(jobs, jobs.ledger);
  process.stdout.write(String(dying.calls()));
}
