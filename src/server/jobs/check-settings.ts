import { KnownError } from "../../core/errors.ts";
import { asJobRequest } from "../../jobs/job-request.ts";
import { scheduleOwner } from "../../jobs/schedule.ts";
import type { ServerSettings } from "../settings.ts";
import { createAllowedHosts } from "./allowed-hosts.ts";
import { domainsOf, type NamedDocuments, readMirrors } from "./mirrors.ts";
import { createJobRules } from "./rules.ts";

type JobSections = Pick<
  ServerSettings,
  "name" | "upstreams" | "jobs" | "mirrors" | "schedules" | "signing"
>;

/** Any will do to find out whether a specification is one. */
const platform = { os: "linux", architecture: "amd64" };

/**
 * What is wrong with the mirrors and schedules of a configuration beyond the form of each: a line for each thing.
 *
 * @param file what they were read from
 * @throws {ConfigError} `config.invalid` with a line for everything that is wrong with a mirror
 */
export async function checkJobSettings(
  settings: JobSections,
  file: string | undefined,
): Promise<readonly string[]> {
  const where = file === undefined ? "" : `${file}: `;
  const mirrors = await readMirrors(settings.mirrors, {
    platform,
    ...(file !== undefined && { file }),
  });
  const mirrored = [...mirrors.values()].flatMap(domainsOf);
  const rules = createJobRules({
    settings,
    hosts: createAllowedHosts(settings, { mirrored }),
    platform,
  });
  const issues = credentialIssues(mirrors, settings).map((text) => `${where}${text}`);
  for (const [name, { cron: _, timeZone: __, ...request }] of Object.entries(settings.schedules)) {
    const at = `${where}schedules.${name}: `;
    if (settings.mirrors[name]?.cron !== undefined)
      issues.push(`${at}expected another name: the mirror ${name} has a schedule`);
    try {
      await rules.check(asJobRequest(request), scheduleOwner(name));
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      issues.push(`${at}${error.message}`);
    }
  }
  return issues;
}

/** Names of credentials that there are none of. */
function credentialIssues(mirrors: NamedDocuments, { jobs }: JobSections): readonly string[] {
  return [...mirrors].flatMap(([mirror, { hosts }]) =>
    [...hosts].flatMap(([host, { credentials }]) => {
      if (credentials?.kind !== "named") return [];
      const entry = Object.hasOwn(jobs.credentials, credentials.name)
        ? jobs.credentials[credentials.name]
        : undefined;
      const at = `mirrors.${mirror}: hosts.${host}.credentials: `;
      if (!entry)
        return [
          `${at}expected the name of an entry under jobs.credentials, found "${credentials.name}"`,
        ];
      return entry.hosts.includes(host) ? [] : [`${at}expected credentials that are for ${host}`];
    }),
  );
}
