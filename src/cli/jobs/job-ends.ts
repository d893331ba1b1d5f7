import { existsSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { JobError } from "../../jobs/errors.ts";
import type { JobEnd } from "../../jobs/job.ts";
import { isIn } from "../../server/jobs/rules.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { Coordinator } from "../../sync/coordinator.ts";
import type { HostSettings } from "../../sync/host-settings.ts";
import { assemble } from "../assemble.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import type { Log } from "../log.ts";
import type { End, Parts, ResolvedImage } from "../parts.ts";
import type { RegistryReach } from "../registries.ts";
import type { EndSettings } from "../settings.ts";
import { type WatchingParts, withoutBlocked } from "./blocked-source.ts";

/** What the ends of jobs are opened with. */
export interface JobEndsParts {
  readonly settings: Pick<ServerSettings, "jobs">;
  readonly context: Pick<CommandContext, "version" | "settings">;
  readonly log: Log;
  readonly reach: RegistryReach;
  readonly coordinator: Coordinator;
  readonly watching: WatchingParts;
}

/** The parts of one job: its own connections, with the credentials that it names and no others. Disposing closes them. */
export interface JobEnds extends AsyncDisposable {
  readonly parts: Parts;
  /** An end of a mirror's, by what its specification says of that host: without credentials it is nobody's. */
  openHost(host: HostSettings | undefined): Promise<End>;
  /** The header of that name, for our own server; undefined for nobody. */
  authorization(credentials: string | undefined): Promise<string | undefined>;
  /**
   * Reads what a job names.
   *
   * @throws {JobError} `job.not-allowed` where a path leads out of the folders that jobs may use
   */
  resolve(end: JobEnd, as: "source" | "destination", signal: AbortSignal): Promise<ResolvedImage>;
}

/** Opens nothing yet. */
export async function openJobEnds({ settings, ...input }: JobEndsParts): Promise<JobEnds> {
  const { context, log, reach, coordinator, watching } = input;
  const { version } = context;
  const parts = await assemble({
    program: "amphora",
    version,
    settings: context.settings,
    log,
    reach,
    coordinator,
  });
  const known = settings.jobs.credentials;
  const endOf = async (end: EndSettings) => watched(await parts.end(end), watching);
  return {
    parts,
    openHost: async (host) => await endOf(await hostEnd(known, host)),
    async authorization(name) {
      const { credentials } = await endSettings(known, name);
      if (credentials === undefined || credentials === "nobody") return undefined;
      const { username, password } = credentials;
      return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    },
    async resolve({ image, credentials }, as, signal) {
      const end = await endOf(await endSettings(known, credentials));
      const resolved = await withPrefix(`Invalid ${as} name ${image}`, () =>
        end.resolve(image, as, { signal }),
      );
      checkFolder(resolved, settings.jobs.folders);
      return resolved;
    },
    [Symbol.asyncDispose]: () => parts.close(),
  };
}

/** Nothing that is blocked is read at it. */
function watched(end: End, watching: WatchingParts): End {
  return {
    ...end,
    async resolve(text, as, options) {
      const resolved = await end.resolve(text, as, options);
      if (as === "destination") return resolved;
      return { ...resolved, transport: withoutBlocked(resolved.transport, watching) };
    },
  };
}

/** Of each kind, to one host: a mirror has many images under way. */
const requestsAtOnce = 16;

type Known = ServerSettings["jobs"]["credentials"];

async function hostEnd(known: Known, host: HostSettings | undefined): Promise<EndSettings> {
  const { credentials, tlsVerify, certificateDirectory } = host ?? {};
  return {
    ...(await hostCredentials(known, credentials)),
    requestsAtOnce,
    ...(tlsVerify !== undefined && { tlsVerify }),
    ...(certificateDirectory !== undefined && { certificateDirectory }),
  };
}

async function hostCredentials(
  known: Known,
  credentials: HostSettings["credentials"],
): Promise<EndSettings> {
  switch (credentials?.kind) {
    case undefined:
      return await endSettings(known, undefined);
    case "named":
      return await endSettings(known, credentials.name);
    case "auth-file":
      return { retryTimes: 0, retryDelayMs: 0, authFile: credentials.file };
    case "password": {
      const { username, password } = credentials;
      return { retryTimes: 0, retryDelayMs: 0, credentials: { username, password } };
    }
    case "password-file": {
      const { username, file } = credentials;
      const password = await secretOf({ passwordFile: file }, username);
      return { retryTimes: 0, retryDelayMs: 0, credentials: { username, password } };
    }
  }
}

/** None that lie about on this machine: what a job may use, it names. */
async function endSettings(known: Known, name: string | undefined): Promise<EndSettings> {
  const base = { retryTimes: 0, retryDelayMs: 0 };
  if (name === undefined) return { ...base, credentials: "nobody" };
  const entry = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!entry) throw new JobError("job.not-allowed", `there are no credentials "${name}"`);
  return {
    ...base,
    credentials: { username: entry.username, password: await secretOf(entry, name) },
  };
}

async function secretOf(
  { passwordFile }: { readonly passwordFile: string },
  name: string,
): Promise<string> {
  try {
    return (await readFile(passwordFile, "utf8")).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new JobError("job.not-allowed", `the password of "${name}" cannot be read`, {
      cause,
      retryable: true,
      hint: "Look at its password-file in the configuration",
    });
  }
}

/**
 * Whether jobs may use this place: a path without links, since that is what is opened.
 *
 * @throws {JobError} `job.not-allowed`
 */
export function checkFolder(
  { reference: { transport, text } }: Pick<ResolvedImage, "reference">,
  folders: readonly string[],
): void {
  if (transport === "docker") return;
  checkPath(transport === "dir" ? text : text.replace(/:.*$/s, ""), folders);
}

/**
 * Whether jobs may make folders for what is to lie at this path, as far as those that are there are concerned.
 *
 * @throws {JobError} `job.not-allowed`
 */
export function checkNewFolder(path: string, folders: readonly string[]): void {
  const whole = resolve(path);
  let there = whole;
  while (!existsSync(there)) there = dirname(there);
  checkPath(realpathSync(there) + whole.slice(there.length), folders);
}

function checkPath(path: string, folders: readonly string[]): void {
  if (isIn(folders.flatMap(realFolder), path)) return;
  throw new JobError("job.not-allowed", `no job may use ${path}`, {
    hint: "List its folder under jobs.folders in the configuration",
  });
}

function realFolder(folder: string): readonly string[] {
  try {
    return [realpathSync(folder)];
  } catch {
    return [];
  }
}
