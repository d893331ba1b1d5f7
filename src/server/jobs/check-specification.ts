import { ConfigError } from "../../config/errors.ts";
import type { Platform } from "../../core/platform.ts";
import { JobError } from "../../jobs/errors.ts";
import type { HostSettings } from "../../sync/host-settings.ts";
import type { MirrorRule } from "../../sync/mirror.ts";
import type { MirrorDocument } from "../../sync/parse-mirror.ts";
import { domainIn } from "./mirrors.ts";
import type { EndRules } from "./rules.ts";

/** Of a specification that comes with a job; larger ones are for the settings. */
const most = { values: 20_000, patterns: 200 };

/**
 * Reads a specification that came with a job: text, or a value.
 *
 * @throws {JobError} `job.bad-request`, with everything that is wrong with it
 */
export async function readSpecification(
  mirror: unknown,
  platform: Platform,
): Promise<MirrorDocument> {
  const { parseMirror } = await import("../../sync/parse-mirror.ts");
  const written = typeof mirror === "string" ? mirror : { value: mirror };
  try {
    return await parseMirror(written, { file: "mirror", folder: "/", platform, most });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new JobError("job.bad-request", error.message, { cause: error });
  }
}

/**
 * Whether a job may be about all that its own specification names. What goes by files of the server's machine is for
 * mirrors of the settings: certificates, passwords.
 *
 * @throws {JobError} `job.bad-request`, `job.not-allowed`
 */
export async function checkSpecification(
  mirror: unknown,
  rules: EndRules,
  platform: Platform,
): Promise<void> {
  const { mirror: read, hosts } = await readSpecification(mirror, platform);
  for (const rule of read.rules) {
    checkSource(rule, rules);
    checkTarget(rule, rules);
  }
  for (const [name, host] of hosts) checkHost(name, host, rules);
}

function checkSource({ name, from }: MirrorRule, rules: EndRules): void {
  if (from.kind === "registry") rules.checkDomain(from.domain, name);
  else checkText(from.text, name, rules);
}

/** Its host and folder must not depend on what is found. */
function checkTarget({ name, to: { template } }: MirrorRule, rules: EndRules): void {
  checkText(template, name, rules);
}

function checkText(text: string, what: string, rules: EndRules): void {
  const domain = domainIn(text);
  if (domain !== undefined) {
    rules.checkDomain(domain, what);
    return;
  }
  const [, transport = "", rest = ""] = /^([a-z-]+):(.*)$/s.exec(text) ?? [];
  if (transport === "docker")
    throw new JobError("job.not-allowed", `${what}: expected one host to copy to`, {
      hint: "Write docker://HOST/ before any placeholder",
    });
  rules.checkPlace(transport, rest, what);
}

function checkHost(
  name: string,
  { credentials, tlsVerify, certificateDirectory }: HostSettings,
  rules: EndRules,
): void {
  const what = `hosts.${name}`;
  if (tlsVerify === false || certificateDirectory !== undefined)
    throw new JobError("job.not-allowed", `${what}: a job does not decide about certificates`, {
      hint: "Say it under jobs.allowed-hosts, or in a mirror of the settings",
    });
  if (credentials === undefined) return;
  if (credentials.kind !== "named")
    throw new JobError("job.not-allowed", `${what}: a job names credentials, and has none`, {
      hint: "Name an entry of jobs.credentials: credentials: NAME",
    });
  rules.checkCredentials(credentials.name, name, what);
}
