import { ConfigError } from "./errors.ts";

/** What registries.d says of one scope — containers-registries.d(5) § Individual configuration sections. */
export interface RegistriesDSection {
  readonly lookaside?: string;
  readonly lookasideStaging?: string;
  /** An older name of `lookaside`, which beats it. */
  readonly sigstore?: string;
  readonly sigstoreStaging?: string;
  readonly useSigstoreAttachments?: boolean;
}

/** One file of the folder, read. */
export interface RegistriesDFile {
  readonly path: string;
  readonly defaultDocker?: RegistriesDSection;
  readonly docker: ReadonlyMap<string, RegistriesDSection>;
}

/** More places to read the signatures of a scope from: ours, in files that other tools do not read. */
export interface MoreLookasides {
  readonly path: string;
  readonly defaultDocker: readonly string[];
  readonly docker: ReadonlyMap<string, readonly string[]>;
}

/** All that says where signatures are kept. */
export interface RegistriesD {
  readonly defaultDocker?: RegistriesDSection;
  readonly docker: ReadonlyMap<string, RegistriesDSection>;
  readonly more: readonly MoreLookasides[];
  /** The file that each scope stands in; "" for `default-docker`. */
  readonly files: ReadonlyMap<string, string>;
}

/** A value and where it stands, for explanations. */
export interface Placed<T> {
  readonly value: T;
  /** The scope; "" for `default-docker`. */
  readonly scope: string;
  readonly file: string;
}

/** Where the signatures of one repository are kept. Absent members: nothing is set. */
export interface SignaturePlaces {
  readonly read?: Placed<string>;
  readonly write?: Placed<string>;
  readonly attachments?: Placed<boolean>;
  /** Read besides, each once. */
  readonly more: readonly Placed<string>[];
}

/** @throws {ConfigError} `config.invalid` where a scope is defined in two files, in the reference's words */
export function mergeRegistriesD(
  files: readonly RegistriesDFile[],
  more: readonly MoreLookasides[] = [],
): RegistriesD {
  const docker = new Map<string, RegistriesDSection>();
  const definedIn = new Map<string, string>();
  let defaultDocker: RegistriesDSection | undefined;
  for (const file of files) {
    if (file.defaultDocker) {
      if (defaultDocker) throw twice('"default-docker"', definedIn.get("") ?? "", file.path);
      defaultDocker = file.defaultDocker;
      definedIn.set("", file.path);
    }
    for (const [scope, section] of file.docker) {
      if (docker.has(scope)) {
        const named = `"docker" namespace ${JSON.stringify(scope)}`;
        throw twice(named, definedIn.get(scope) ?? "", file.path);
      }
      docker.set(scope, section);
      definedIn.set(scope, file.path);
    }
  }
  return { docker, more, files: definedIn, ...(defaultDocker && { defaultDocker }) };
}

function twice(what: string, first: string, second: string): ConfigError {
  return new ConfigError(
    "config.invalid",
    `Error parsing signature storage configuration: ${what} defined both in ${JSON.stringify(first)} and ${JSON.stringify(second)}`,
    { file: second, hint: `Leave ${what} in one of the two files` },
  );
}

/**
 * What counts for a repository: each value by itself comes from the first section that has it, in the order of `scopes`
 * (the policy's chain: the name, its parents, `*.` wildcards), then `default-docker` — `specs/signing.md` 3.1.
 */
export function signaturePlaces(config: RegistriesD, scopes: readonly string[]): SignaturePlaces {
  const first = <T>(pick: (section: RegistriesDSection) => T | undefined) =>
    firstPlaced(config, scopes, pick);
  const read = first(readUrl);
  const write = first(writeUrl);
  const attachments = first((section) => section.useSigstoreAttachments);
  return {
    more: morePlaces(config.more, scopes),
    ...(read && { read }),
    ...(write && { write }),
    ...(attachments && { attachments }),
  };
}

/** An empty URL counts as none. */
function readUrl(section: RegistriesDSection): string | undefined {
  return section.lookaside || section.sigstore || undefined;
}

function writeUrl(section: RegistriesDSection): string | undefined {
  return section.lookasideStaging || section.sigstoreStaging || readUrl(section);
}

/** Whether any file says something of exactly this scope. */
export function isScope({ docker, more }: RegistriesD, scope: string): boolean {
  return docker.has(scope) || more.some((file) => file.docker.has(scope));
}

/** Whether the place to write to was named as such: what is only to be read from over http is not written to. */
export function isStaging(config: RegistriesD, { scope, value }: Placed<string>): boolean {
  const section = scope === "" ? config.defaultDocker : config.docker.get(scope);
  return (section?.lookasideStaging || section?.sigstoreStaging) === value;
}

function firstPlaced<T>(
  { docker, defaultDocker, files }: RegistriesD,
  scopes: readonly string[],
  pick: (section: RegistriesDSection) => T | undefined,
): Placed<T> | undefined {
  for (const scope of [...scopes, ""]) {
    const section = scope === "" ? defaultDocker : docker.get(scope);
    const value = section && pick(section);
    if (value !== undefined) return { value, scope, file: files.get(scope) ?? "" };
  }
  return undefined;
}

/** Here every scope that matches counts: the point is to have several. */
function morePlaces(
  files: readonly MoreLookasides[],
  scopes: readonly string[],
): readonly Placed<string>[] {
  const found = new Map<string, Placed<string>>();
  for (const scope of [...scopes, ""]) {
    for (const { path: file, docker, defaultDocker } of files) {
      for (const value of (scope === "" ? defaultDocker : docker.get(scope)) ?? []) {
        if (!found.has(value)) found.set(value, { value, scope, file });
      }
    }
  }
  return [...found.values()];
}
