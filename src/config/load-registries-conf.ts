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
import { type TomlTable, TomlTypeError } from "./toml-fields.ts";

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

type ParseToml = (text: string) => TomlTable;

/**
 * Reads the text of one registries.conf. The TOML parser is loaded here, for those who have such a file.
 *
 * @throws {ConfigError} `config.invalid`: `toml: line 3: …` or the reference's text of what is wrong
 */
export async function parseRegistriesFile(
  text: string,
  rule: Version1Rule = {},
): Promise<RegistriesFile> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return readRegistriesFile(parse(text), rule);
  } catch (error) {
    if (error instanceof TomlError)
      throw new ConfigError("config.invalid", `toml: line ${error.line}: ${firstLine(error)}`, {
        cause: error,
      });
    if (!(error instanceof TomlTypeError)) throw error;
    const line = lineOf(error, text, parse);
    throw new ConfigError(
      "config.invalid",
      `toml: line ${line} (last key "${error.key}"): ${error.message}`,
      { cause: error },
    );
  }
}

function firstLine(error: Error): string {
  return error.message.split("\n", 1)[0] ?? "";
}

/** The parser does not say where a value stood: the shortest beginning of the text with the same fault does. */
function lineOf(fault: TomlTypeError, text: string, parse: ParseToml): number {
  const lines = text.split("\n");
  for (let count = 1; count < lines.length; count++) {
    try {
      readRegistriesFile(parse(lines.slice(0, count).join("\n")));
    } catch (error) {
      if (error instanceof TomlTypeError && error.key === fault.key) return count;
    }
  }
  return lines.length;
}
