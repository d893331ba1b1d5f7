import { ConfigError } from "./errors.ts";
import { type Aliases, readAliases } from "./short-name-aliases.ts";
import { TomlFields, type TomlTable } from "./toml-fields.ts";

/** One `[[registry.mirror]]`. */
export interface RegistryMirror {
  readonly location: string;
  readonly insecure: boolean;
  /** Which references it may serve. */
  readonly pull: "all" | "digest-only" | "tag-only";
}

/** One `[[registry]]` — containers-registries.conf(5). */
export interface RegistryEntry {
  /** `host[:port][/path]`, or `*.domain`; without a trailing slash. */
  readonly prefix: string;
  /** What replaces the prefix; empty only below a `*.` prefix, where references stay as they are. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrorByDigestOnly: boolean;
  readonly mirrors: readonly RegistryMirror[];
}

/** Whether the user is asked which registry a short name means. */
export type ShortNameMode = "enforcing" | "permissive" | "disabled";

/** What one registries.conf says: validated, each prefix once, sorted by prefix. Absent members leave others' alone. */
export interface RegistriesFile {
  readonly registries: readonly RegistryEntry[];
  readonly unqualifiedSearchRegistries?: readonly string[];
  readonly credentialHelpers?: readonly string[];
  readonly shortNameMode?: ShortNameMode;
  readonly aliases: Aliases;
}

interface Unchecked extends Omit<RegistriesFile, "shortNameMode" | "aliases"> {
  readonly shortNameMode: string;
  readonly aliases: ReadonlyMap<string, string> | undefined;
}

/** An entry as written, its mirrors' `pull-from-mirror` unchecked. */
interface RawEntry extends Omit<RegistryEntry, "mirrors"> {
  readonly pullFromMirror: string;
  readonly mirrors: readonly { location: string; insecure: boolean; pullFromMirror: string }[];
}

/** How the old format is met. */
export interface Version1Rule {
  /** Where it is not to be converted: what to say of it. */
  readonly refuseVersion1?: string;
}

/**
 * Reads a parsed registries.conf of either version. Version 1 is converted unless `rule` refuses it. Unknown members are
 * passed over.
 *
 * @throws {ConfigError} `config.invalid` with the reference's text, lacking only the file's name
 */
export function readRegistriesFile(document: TomlTable, rule: Version1Rule = {}): RegistriesFile {
  const fields = new TomlFields(document);
  const entries = fields.tables("registry")?.map(readEntry);
  const rest: Omit<Unchecked, "registries"> = {
    ...optional("unqualifiedSearchRegistries", fields.strings("unqualified-search-registries")),
    ...optional("credentialHelpers", fields.strings("credential-helpers")),
    shortNameMode: fields.string("short-name-mode"),
    aliases: fields.stringMap("aliases"),
  };
  const layerStoreHelper = fields.string("additional-layer-store-auth-helper");
  const version1 = readVersion1(fields);
  if (version1 === undefined) return checked(entries ?? [], rest);
  if (rule.refuseVersion1 !== undefined) throw invalid(rule.refuseVersion1);
  const { shortNameMode, ...members } = rest;
  const mixed =
    entries !== undefined ||
    shortNameMode !== "" ||
    layerStoreHelper !== "" ||
    Object.values(members).some((member) => member !== undefined);
  if (mixed) throw invalid("mixing sysregistry v1/v2 is not supported");
  return checked(convert(version1), {
    ...optional("unqualifiedSearchRegistries", version1.search),
    shortNameMode: "",
    aliases: undefined,
  });
}

function readEntry(fields: TomlFields): RawEntry {
  return {
    prefix: fields.string("prefix"),
    location: fields.string("location"),
    insecure: fields.boolean("insecure"),
    pullFromMirror: fields.string("pull-from-mirror"),
    mirrors: (fields.tables("mirror") ?? []).map((mirror) => ({
      location: mirror.string("location"),
      insecure: mirror.boolean("insecure"),
      pullFromMirror: mirror.string("pull-from-mirror"),
    })),
    blocked: fields.boolean("blocked"),
    mirrorByDigestOnly: fields.boolean("mirror-by-digest-only"),
  };
}

interface Version1 {
  readonly search?: readonly string[];
  readonly insecure?: readonly string[];
  readonly block?: readonly string[];
}

/** `[registries.search]`, `[registries.insecure]`, `[registries.block]`; undefined where none is there. */
function readVersion1(fields: TomlFields): Version1 | undefined {
  const tables = fields.table("registries");
  const list = (name: string) => tables?.table(name)?.strings("registries");
  const version1: Version1 = {
    ...optional("search", list("search")),
    ...optional("insecure", list("insecure")),
    ...optional("block", list("block")),
  };
  return Object.keys(version1).length === 0 ? undefined : version1;
}

function convert(version1: Version1): RawEntry[] {
  const block = (version1.block ?? []).map(trimLocation);
  const insecure = (version1.insecure ?? []).map(trimLocation);
  return [...new Set([...block, ...insecure])].map((location) => ({
    prefix: location,
    location,
    insecure: insecure.includes(location),
    blocked: block.includes(location),
    mirrorByDigestOnly: false,
    pullFromMirror: "",
    mirrors: [],
  }));
}

/** The checks in the reference's order, so that of several faults the same one is told. */
function checked(raw: readonly RawEntry[], rest: Omit<Unchecked, "registries">): RegistriesFile {
  const entries = raw.map(checkEntry);
  checkConflicts(entries);
  const search = rest.unqualifiedSearchRegistries?.map(checkSearchRegistry);
  const unique = new Map<string, RegistryEntry>();
  for (const entry of entries) if (!unique.has(entry.prefix)) unique.set(entry.prefix, entry);
  const mode = checkShortNameMode(rest.shortNameMode);
  const registries = sortByPrefix(unique.values());
  for (const { prefix } of registries) checkWildcard(prefix);
  return {
    registries,
    ...optional("unqualifiedSearchRegistries", search),
    ...optional("credentialHelpers", rest.credentialHelpers),
    ...optional("shortNameMode", mode),
    aliases: readAliases(rest.aliases ?? new Map()),
  };
}

/** In the order that the reference reports and searches them. */
export function sortByPrefix(entries: Iterable<RegistryEntry>): RegistryEntry[] {
  return [...entries].sort((a, b) => (a.prefix < b.prefix ? -1 : a.prefix > b.prefix ? 1 : 0));
}

function checkEntry(raw: RawEntry): RegistryEntry {
  const location = trimLocation(raw.location);
  if (raw.prefix === "" && location === "")
    throw invalid("invalid condition: both location and prefix are unset");
  const prefix = raw.prefix === "" ? location : trimLocation(raw.prefix);
  if (raw.prefix !== "" && !prefix.startsWith("*.") && location === "")
    throw invalid(
      "invalid condition: location is unset and prefix is not in the format: *.example.com",
    );
  if (raw.pullFromMirror !== "")
    throw invalid(`pull-from-mirror must not be set for a non-mirror registry ${quote(prefix)}`);
  const { insecure, blocked, mirrorByDigestOnly } = raw;
  const mirrors = raw.mirrors.map((mirror) => checkMirror(mirror, prefix, mirrorByDigestOnly));
  return { prefix, location, insecure, blocked, mirrorByDigestOnly, mirrors };
}

function checkMirror(
  raw: RawEntry["mirrors"][number],
  prefix: string,
  byDigestOnly: boolean,
): RegistryMirror {
  const location = trimLocation(raw.location);
  if (location === "") throw invalid("invalid condition: mirror location is unset");
  const pull = raw.pullFromMirror;
  if (byDigestOnly && pull !== "")
    throw invalid(
      `cannot set mirror usage mirror-by-digest-only for the registry (${quote(prefix)}) and pull-from-mirror for per-mirror (${quote(location)}) at the same time`,
    );
  if (pull !== "" && pull !== "all" && pull !== "digest-only" && pull !== "tag-only")
    throw invalid(
      `unsupported pull-from-mirror value ${quote(pull)} for mirror ${quote(location)}`,
    );
  return { location, insecure: raw.insecure, pull: pull === "" ? "all" : pull };
}

/** One place may stand behind several prefixes, but its safety settings must be the same each time. */
function checkConflicts(entries: readonly RegistryEntry[]): void {
  const first = new Map<string, RegistryEntry>();
  for (const entry of entries) {
    const place = entry.location || entry.prefix;
    const other = first.get(place) ?? entry;
    first.set(place, other);
    const conflict =
      entry.insecure !== other.insecure
        ? "insecure"
        : entry.blocked !== other.blocked
          ? "blocked"
          : undefined;
    if (conflict)
      throw invalid(
        `registry '${entry.location}' is defined multiple times with conflicting '${conflict}' setting`,
      );
  }
}

const HOST =
  /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]+)?$/;

function checkSearchRegistry(text: string): string {
  const registry = trimLocation(text);
  if (!HOST.test(registry))
    throw invalid(`Invalid unqualified-search-registries entry ${quote(registry)}`);
  return registry;
}

function checkShortNameMode(mode: string): ShortNameMode | undefined {
  if (mode === "") return undefined;
  if (mode === "enforcing" || mode === "permissive" || mode === "disabled") return mode;
  throw invalid(`invalid short-name mode: ${quote(mode)}`);
}

function checkWildcard(prefix: string): void {
  if (prefix.startsWith("*.") && /[/@:]/.test(prefix))
    throw invalid(
      `Wildcarded prefix should be in the format: *.example.com. Current prefix ${quote(prefix)} is incorrectly formatted`,
    );
}

function trimLocation(text: string): string {
  const trimmed = text.replace(/\/+$/, "");
  if (trimmed.startsWith("http://") || trimmed.startsWith("https://"))
    throw invalid(`invalid location '${text}': URI schemes are not supported`);
  return trimmed;
}

function invalid(message: string): ConfigError {
  return new ConfigError("config.invalid", message);
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** `{ [name]: value }`, or nothing where the value is absent. */
function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [K in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [K in Name]?: Value });
}
