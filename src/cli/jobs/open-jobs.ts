import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Jobs } from "../../jobs/jobs.ts";
import type { ToldBlocks } from "../../jobs/redis/told-blocks.ts";
import { ServerError } from "../../server/errors.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";

/** The jobs of the settings. */
export interface OpenedJobs extends Jobs {
  /** By which workers on other machines know what is blocked; absent where they read the data folder. */
  readonly told?: ToldBlocks;
  /** Why they cannot be asked now, for people; undefined: they can be. */
  readonly trouble?: () => string | undefined;
}

/** What the jobs of the settings are opened with. */
export interface OpeningParts {
  readonly now: () => number;
  readonly report: Report;
  /** They are opened though Redis does not answer yet. */
  readonly mayBeAway?: boolean;
}

/**
 * The queue and the ledger of the settings: in the data folder, or in Redis. Only what is named is loaded.
 *
 * @throws {JobError} `job.queue-unreachable`
 * @throws {ServerError} `server.bad-file` where the password, or a certificate, cannot be read
 */
export async function openJobs(
  { jobs, data }: Pick<ServerSettings, "jobs" | "data">,
  { now, report, mayBeAway = false }: OpeningParts,
): Promise<OpenedJobs> {
  if (jobs.queue === "embedded") {
    const folder = join(data, "jobs");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { openEmbeddedJobs } = await import("../../jobs/embedded/open.ts");
    return await openEmbeddedJobs(join(folder, "jobs.sqlite"), { now });
  }
  const { openRedisJobs } = await import("../../jobs/redis/open.ts");
  const warn = (text: string) => report({ type: "message", level: "warn", text });
  const { url, ...tls } = await queueAddress(jobs);
  return await openRedisJobs(url, { now, warn, mayBeAway, ...tls });
}

/** Where a Redis is: for the client alone. */
export interface QueueAddress {
  /** With its password in it. */
  readonly url: string;
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string;
}

/** That of the settings. @throws {ServerError} `server.bad-file` */
export async function queueAddress({
  queue,
  queuePasswordFile,
  queueCa,
}: ServerSettings["jobs"]): Promise<QueueAddress> {
  const url = new URL(queue);
  if (queuePasswordFile !== undefined)
    url.password = encodeURIComponent(await readSecret(queuePasswordFile));
  const ca = queueCa === undefined ? undefined : await readText(queueCa);
  return { url: url.href, ...(ca !== undefined && { ca }) };
}

/** A file with one line. @throws {ServerError} `server.bad-file` */
export async function readSecret(path: string): Promise<string> {
  return (await readText(path)).replace(/\r?\n$/, "");
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ServerError("server.bad-file", `Cannot read ${path}`, { cause });
  }
}
