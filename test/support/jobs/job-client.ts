import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../../src/jobs/job.ts";

/** What was answered to a new job. */
export interface Posted {
  readonly status: number;
  readonly job?: Job;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** Starts a job. */
export async function postJob(url: string, body: object): Promise<Posted> {
  const answer = await fetch(`${url}/api/v1/jobs`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, ...((await answer.json()) as Omit<Posted, "status">) };
}

/** The newest jobs. */
export async function jobsOf(url: string): Promise<readonly Job[]> {
  const answer = await fetch(`${url}/api/v1/jobs`);
  return ((await answer.json()) as { readonly jobs: readonly Job[] }).jobs;
}

/** A job as it is. */
export async function jobAt(url: string, id: string): Promise<Job> {
  const answer = await fetch(`${url}/api/v1/jobs/${id}`);
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { readonly job: Job }).job;
}

/** The job once it has ended. */
export async function endOf(url: string, id: string): Promise<Job> {
  for (;;) {
    const job = await jobAt(url, id);
    if (!["waiting", "delayed", "running"].includes(job.state)) return job;
    await sleep(100);
  }
}
