import {
  type RegistriesFile,
  type RegistryEntry,
  type ShortNameMode,
  sortByPrefix,
} from "./registries-file.ts";
import type { Aliases } from "./short-name-aliases.ts";

/** All of registries.conf as it applies: the main file and its drop-ins merged. */
export interface RegistriesConf {
  /** Each prefix once, sorted. */
  readonly registries: readonly RegistryEntry[];
  readonly unqualifiedSearchRegistries: readonly string[];
  /** The file that set the search list; the main one where none did. */
  readonly unqualifiedSearchOrigin: string;
  /** Never empty; {@link AUTH_FILES} stands for the auth files. */
  readonly credentialHelpers: readonly string[];
  readonly shortNameMode: ShortNameMode;
  readonly aliases: Aliases;
  /** Where an entry may have come from, for texts: `/a/registries.conf or /b/registries.conf.d`. */
  readonly origin: string;
}

/** The credential helper that is not a program: the auth files. */
export const AUTH_FILES = "containers-auth.json";

/** A file and its name, in the order read. */
export interface NamedRegistriesFile {
  readonly path: string;
  readonly file: RegistriesFile;
}

/**
 * Merges files in reading order — containers-registries.conf.d(5): a later `[[registry]]` replaces the whole entry of
 * its prefix, other members replace where set, aliases are merged name by name.
 */
export function mergeRegistries(
  files: readonly NamedRegistriesFile[],
  origin: { readonly main: string; readonly text: string },
): RegistriesConf {
  const registries = new Map<string, RegistryEntry>();
  const aliases = new Map<
    string,
    RegistriesFile["aliases"] extends ReadonlyMap<string, infer V> ? V : never
  >();
  let search: readonly string[] = [];
  let searchOrigin = origin.main;
  let credentialHelpers: readonly string[] = [];
  let shortNameMode: ShortNameMode = "permissive";
  for (const { path, file } of files) {
    for (const entry of file.registries) registries.set(entry.prefix, entry);
    for (const [name, target] of file.aliases) aliases.set(name, target);
    if (file.unqualifiedSearchRegistries) {
      search = file.unqualifiedSearchRegistries;
      searchOrigin = path;
    }
    credentialHelpers = file.credentialHelpers ?? credentialHelpers;
    shortNameMode = file.shortNameMode ?? shortNameMode;
  }
  return {
    registries: sortByPrefix(registries.values()),
    unqualifiedSearchRegistries: search,
    unqualifiedSearchOrigin: searchOrigin,
    credentialHelpers: credentialHelpers.length === 0 ? [AUTH_FILES] : credentialHelpers,
    shortNameMode,
    aliases,
    origin: origin.text,
  };
}
