import { isAbsolute, normalize, sep } from "node:path";
import { type DockerReference, parseDockerReference } from "../../core/docker-reference.ts";
import { KnownError } from "../../core/errors.ts";
import { JobError } from "../../jobs/errors.ts";
import type { JobEnd, JobRequest } from "../../jobs/job.ts";
import { isMirrorName } from "../../jobs/job-request.ts";
import type { ServerSettings } from "../settings.ts";
import { rulesFor } from "../signing/rules.ts";
import type { AllowedHosts } from "./allowed-hosts.ts";
import type { JobRules } from "./parts.ts";

type Ruling = Pick<ServerSettings, "name" | "jobs" | "mirrors" | "signing">;

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
export function createJobRules(settings: Ruling, hosts: AllowedHosts): JobRules {
  return {
    check(request, owner) {
      switch (request.kind) {
        case "copy":
          checkEnd(request.from, "from", { settings, hosts, owner });
          checkEnd(request.to, "to", { settings, hosts, owner });
          return;
        case "verify":
          checkEnd(request.image, "image", { settings, hosts, owner });
          return;
        case "sign":
          checkEnd(request.image, "image", { settings, hosts, owner });
          checkKey(request, settings, owner);
          return;
        case "sync":
          checkMirror(request.mirror, settings);
          return;
      }
    },
    checkWebhook(text) {
      const url = new URL(text);
      if (hosts.mayCall(url)) return;
      throw notAllowed(`webhook: no job may call ${url.host}`, hostHint(url.host));
    },
  };
}

interface Checking {
  readonly settings: Ruling;
  readonly hosts: AllowedHosts;
  readonly owner: string;
}

function checkEnd({ image, credentials }: JobEnd, what: string, checking: Checking): void {
  const { settings, hosts, owner } = checking;
  const [, transport = "", text = ""] = /^([a-z-]+):(.*)$/s.exec(image) ?? [];
  if (transport === "docker") {
    const { domain } = dockerReference(text, what);
    if (!hosts.mayName(domain))
      throw notAllowed(`${what}: no job may be about ${domain}`, hostHint(domain));
    if (credentials !== undefined) checkCredentials(credentials, domain, what, { settings, owner });
    return;
  }
  if (credentials !== undefined)
    throw badRequest(`${what}: credentials are for registries, not for ${transport}:`);
  const folderOf = Object.hasOwn(inFolders, transport) ? inFolders[transport] : undefined;
  if (!folderOf)
    throw notAllowed(`${what}: no job may use ${transport}:`, "Name an image in a registry");
  const path = folderOf(text);
  if (isIn(settings.jobs.folders, path)) return;
  throw notAllowed(
    `${what}: no job may use this path`,
    "List its folder under jobs.folders in the configuration",
  );
}

/** Whether a path is within one of some folders, as far as its text tells: links are looked at when it is opened. */
export function isIn(folders: readonly string[], path: string): boolean {
  if (!isAbsolute(path) || normalize(path).replace(/\/+$/, "") !== path.replace(/\/+$/, ""))
    return false;
  return folders.some((folder) => path === folder || path.startsWith(folder + sep));
}

function checkCredentials(
  name: string,
  domain: string,
  what: string,
  { settings, owner }: Omit<Checking, "hosts">,
): void {
  const { credentials } = settings.jobs;
  const entry = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
  const isForOwner = entry && (entry.users === undefined || entry.users.includes(owner));
  if (!entry || !isForOwner)
    throw notAllowed(
      `${what}: there are no credentials "${name}" for you`,
      "Name an entry of jobs.credentials in the configuration",
    );
  if (!entry.hosts.some((host) => host.toLowerCase() === domain.toLowerCase()))
    throw notAllowed(
      `${what}: the credentials "${name}" are not for ${domain}`,
      "List the host under the hosts of these credentials",
    );
}

function checkKey(
  { image: { image }, key }: JobRequest & { readonly kind: "sign" },
  { signing, name }: Ruling,
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

function checkMirror(mirror: unknown, { mirrors }: Ruling): void {
  if (typeof mirror === "string" && isMirrorName(mirror)) {
    if (Object.hasOwn(mirrors, mirror)) return;
    throw badRequest(`mirror: there is no mirror "${mirror}" in the settings`);
  }
  throw notAllowed(
    "mirror: only mirrors of the settings are run",
    "Write it under mirrors in the configuration",
  );
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
