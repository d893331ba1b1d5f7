import { isAbsolute, normalize, sep } from "node:path";
import { type DockerReference, parseDockerReference } from "../../core/docker-reference.ts";
import { KnownError } from "../../core/errors.ts";
import type { Platform } from "../../core/platform.ts";
import { JobError } from "../../jobs/errors.ts";
import type { JobEnd, JobRequest } from "../../jobs/job.ts";
import { isMirrorName } from "../../jobs/job-request.ts";
import { scheduleOwner } from "../../jobs/schedule.ts";
import type { ServerSettings } from "../settings.ts";
import { rulesFor } from "../signing/rules.ts";
import type { AllowedHosts } from "./allowed-hosts.ts";
import { checkSpecification } from "./check-specification.ts";
import type { JobRules } from "./parts.ts";

/** What rules are made of. */
export interface RulingParts {
  readonly settings: Pick<ServerSettings, "name" | "jobs" | "mirrors" | "signing">;
  readonly hosts: AllowedHosts;
  /** Of this machine, for specifications that say "system". */
  readonly platform: Platform;
}

/** Transports whose images are in a folder or a file, and how a reference's text begins with that. */
const inFolders: Readonly<Record<string, (text: string) => string>> = {
  dir: (text) => text,
  oci: (text) => text.replace(/:.*$/s, ""),
  "oci-archive": (text) => text.replace(/:.*$/s, ""),
  "docker-archive": (text) => text.replace(/:.*$/s, ""),
};

/**
 * What the settings let a job be about: hosts that are allowed, folders that are listed, credentials that are for that host
 * and for whoever asks, mirrors and keys that there are.
 */
export function createJobRules({ settings, hosts, platform }: RulingParts): JobRules {
  return {
    async check(request, owner) {
      const ends = new EndRules(settings, hosts, owner);
      switch (request.kind) {
        case "copy":
          ends.check(request.from, "from");
          ends.check(request.to, "to");
          return;
        case "verify":
          ends.check(request.image, "image");
          return;
        case "sign":
          ends.check(request.image, "image");
          checkKey(request, settings, owner);
          return;
        case "sync": {
          const { mirror } = request;
          if (typeof mirror === "string" && isMirrorName(mirror)) checkName(mirror, settings);
          else await checkSpecification(mirror, ends, platform);
          return;
        }
      }
    },
    checkWebhook(text) {
      const url = new URL(text);
      if (hosts.mayCall(url)) return;
      throw notAllowed(`webhook: no job may call ${url.host}`, hostHint(url.host));
    },
  };
}

/** What one owner's jobs may name. */
export class EndRules {
  readonly #settings: RulingParts["settings"];
  readonly #hosts: AllowedHosts;
  readonly #owner: string;

  constructor(settings: RulingParts["settings"], hosts: AllowedHosts, owner: string) {
    this.#settings = settings;
    this.#hosts = hosts;
    this.#owner = owner;
  }

  /** @throws {JobError} `job.not-allowed`, `job.bad-request` */
  check({ image, credentials }: JobEnd, what: string): void {
    const [, transport = "", text = ""] = /^([a-z-]+):(.*)$/s.exec(image) ?? [];
    if (transport === "docker") {
      const { domain } = dockerReference(text, what);
      this.checkDomain(domain, what);
      if (credentials !== undefined) this.checkCredentials(credentials, domain, what);
      return;
    }
    if (credentials !== undefined)
      throw badRequest(`${what}: credentials are for registries, not for ${transport}:`);
    this.checkPlace(transport, text, what);
  }

  /** @throws {JobError} `job.not-allowed` */
  checkDomain(domain: string, what: string): void {
    if (this.#hosts.mayName(domain)) return;
    throw notAllowed(`${what}: no job may be about ${domain}`, hostHint(domain));
  }

  /** @throws {JobError} `job.not-allowed` */
  checkPlace(transport: string, text: string, what: string): void {
    const folderOf = Object.hasOwn(inFolders, transport) ? inFolders[transport] : undefined;
    if (!folderOf)
      throw notAllowed(`${what}: no job may use ${transport}:`, "Name an image in a registry");
    if (isIn(this.#settings.jobs.folders, folderOf(text))) return;
    throw notAllowed(
      `${what}: no job may use this path`,
      "List its folder under jobs.folders in the configuration",
    );
  }

  /** @throws {JobError} `job.not-allowed` */
  checkCredentials(name: string, domain: string, what: string): void {
    const { credentials } = this.#settings.jobs;
    const entry = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
    const isForOwner =
      entry &&
      (entry.users === undefined ||
        entry.users.includes(this.#owner) ||
        this.#owner.startsWith(scheduleOwner(""))); // which the settings themselves name
    if (!entry || !isForOwner)
      throw notAllowed(
        `${what}: there are no credentials "${name}" for you`,
        "Name an entry of jobs.credentials in the configuration",
      );
    if (entry.hosts.some((host) => host.toLowerCase() === domain.toLowerCase())) return;
    throw notAllowed(
      `${what}: the credentials "${name}" are not for ${domain}`,
      "List the host under the hosts of these credentials",
    );
  }
}

/** Whether a path is within one of some folders, as far as its text tells: links are looked at when it is opened. */
export function isIn(folders: readonly string[], path: string): boolean {
  const plain = path.replace(/\/+$/, "");
  if (!isAbsolute(path) || normalize(path).replace(/\/+$/, "") !== plain) return false;
  return folders.some((folder) => plain === folder || plain.startsWith(folder + sep));
}

function checkKey(
  { image: { image }, key }: JobRequest & { readonly kind: "sign" },
  { signing, name }: RulingParts["settings"],
  owner: string,
): void {
  const reference = dockerReference(image.replace(/^docker:/, ""), "image");
  if (reference.tag === undefined)
    throw badRequest("image: expected a tag: signatures are made for a name");
  if (reference.domain !== name)
    throw notAllowed(
      `image: only images of ${name} are signed`,
      "Copy it here first, by a job of kind copy",
    );
  const rules = signing ? rulesFor(signing, reference, owner) : [];
  if (rules.some(({ keys }) => keys.includes(key))) return;
  throw notAllowed(
    `key: no rule has ${reference.domain}/${reference.path} signed with "${key}" for you`,
    "Write one under signing.rules in the configuration",
  );
}

function checkName(mirror: string, { mirrors }: RulingParts["settings"]): void {
  if (Object.hasOwn(mirrors, mirror)) return;
  throw badRequest(`mirror: there is no mirror "${mirror}" in the settings`);
}

function dockerReference(text: string, what: string): DockerReference {
  if (!text.startsWith("//"))
    throw badRequest(
      `${what}: expected docker://HOST/PATH, such as docker://registry.example/app:1`,
    );
  try {
    return parseDockerReference(text.slice(2));
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw badRequest(`${what}: ${error.message}`);
  }
}

function hostHint(host: string): string {
  return `List ${host} under jobs.allowed-hosts in the configuration`;
}

function badRequest(message: string): JobError {
  return new JobError("job.bad-request", message);
}

function notAllowed(message: string, hint: string): JobError {
  return new JobError("job.not-allowed", message, { hint });
}
