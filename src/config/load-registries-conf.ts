import { resolve } from "node:path";
import type { ConsideredFile, Environment } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { readIfThere } from "./load-file.ts";
import {
  findRegistriesFiles,
  findRegistriesFilesByName,
  type RegistriesPlace,
} from "./load-registries-places.ts";
import {
  mergeRegistries,
  type NamedRegistriesFile,
  type RegistriesConf,
} from "./registries-conf.ts";
import { type RegistriesFile, readRegistriesFile, type Version1Rule } from "./registries-file.ts";
import { readToml } from "./toml-reading.ts";

/** Which files to read. */
export interface RegistriesConfOptions {
  /** `--registries-conf`: the main file, which must exist then. Drop-ins are read all the same. */
  readonly file?: string;
  /** Whose choice of files to follow: skopeo 1.22's (the default), or that of the releases after it. */
  readonly search?: "1.22" | "1.23";
}

/** The configuration, and the files it is from. */
export interface LoadedRegistriesConf {
  readonly conf: RegistriesConf;
  /** Those passed over first, then those read, in order. */
  readonly files: readonly ConsideredFile[];
}

/**
 * Reads registries.conf and its drop-ins. No file at all is an empty configuration.
 *
 * @throws {ConfigError} `config.invalid` or `config.unreadable`, as `loading registries configuration "…": …`
 */
export async function loadRegistriesConf(
  environment: Environment,
  { file, search }: RegistriesConfOptions = {},
): Promise<LoadedRegistriesConf> {
  const find = search === "1.23" ? findRegistriesFilesByName : findRegistriesFiles;
  const places = find(environment, file);
  const files: ConsideredFile[] = [...places.others];
  const read: NamedRegistriesFile[] = [];
  for (const place of places.files) {
    const { path } = place;
    const content = await readPlace(environment, place);
    files.push({ path, outcome: content ? "read" : "absent" });
    if (content) read.push({ path, file: content });
  }
  const { main, origin } = places;
  return { conf: mergeRegistries(read, { main, text: origin }), files };
}

async function readPlace(
  { cwd }: Environment,
  place: RegistriesPlace,
): Promise<RegistriesFile | undefined> {
  const { path, doing, mustExist } = place;
  try {
    const bytes = readIfThere(resolve(cwd, path), path);
    if (bytes) return await parseRegistriesFile(bytes.toString("utf8"), place);
    if (!mustExist) return undefined;
    throw new ConfigError("config.unreadable", `open ${path}: no such file or directory`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.code, `${doing} ${JSON.stringify(path)}: ${error.message}`, {
      file: path,
      cause: error,
    });
  }
}

/**
 * Reads the text of one registries.conf.
 *
 * @throws {ConfigError} `config.invalid`: `toml: line 3: …` or the reference's text of what is wrong
 */
export async function parseRegistriesFile(
  text: string,
  rule: Version1Rule = {},
): Promise<RegistriesFile> {
  return await readToml(text, (table) => readRegistriesFile(table, rule));
}
