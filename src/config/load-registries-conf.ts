import { lstatSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type ConsideredFile,
  type Environment,
  systemContainersDirectory,
  userContainersDirectory,
} from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { fileErrorText, listIfThere, readIfThere } from "./load-file.ts";
import {
  mergeRegistries,
  type NamedRegistriesFile,
  type RegistriesConf,
} from "./registries-conf.ts";
import { type RegistriesFile, readRegistriesFile } from "./registries-file.ts";
import { type TomlTable, TomlTypeError } from "./toml-fields.ts";

/** Which files to read. */
export interface RegistriesConfOptions {
  /** `--registries-conf`: the main file, which must exist then. Drop-ins are read all the same. */
  readonly file?: string;
}

/** The configuration, and the files it is from. */
export interface LoadedRegistriesConf {
  readonly conf: RegistriesConf;
  /** In the order considered. */
  readonly files: readonly ConsideredFile[];
}

/** The main file and the folders of drop-ins, as skopeo 1.22 chooses them (registry.md 3.2). */
interface Places {
  readonly main: string;
  readonly mainMustExist: boolean;
  readonly dropIns: readonly string[];
  readonly passedOver: readonly ConsideredFile[];
}

/**
 * Reads registries.conf and its drop-ins. No file at all is an empty configuration.
 *
 * @throws {ConfigError} `config.invalid` or `config.unreadable`, as `loading registries configuration "…": …`
 */
export async function loadRegistriesConf(
  environment: Environment,
  options: RegistriesConfOptions = {},
): Promise<LoadedRegistriesConf> {
  const places = findPlaces(environment, options.file);
  const files: ConsideredFile[] = [...places.passedOver];
  const read: NamedRegistriesFile[] = [];
  const main = await readMain(places);
  files.push({ path: places.main, outcome: main ? "read" : "absent" });
  if (main) read.push({ path: places.main, file: main });
  for (const folder of places.dropIns) {
    for (const path of listDropIns(folder, files)) {
      const file = await readNamed(path, "loading drop-in registries configuration", true);
      files.push({ path, outcome: file ? "read" : "absent" });
      if (file) read.push({ path, file });
    }
  }
  const dropIns = places.dropIns.at(-1);
  const text = dropIns === undefined ? places.main : `${places.main} or ${dropIns}`;
  return { conf: mergeRegistries(read, { main: places.main, text }), files };
}

function findPlaces(environment: Environment, file: string | undefined): Places {
  const user = userContainersDirectory(environment);
  const system = systemContainersDirectory(environment);
  const inUser = join(user, "registries.conf");
  const inSystem = join(system, "registries.conf");
  const userDropIns = join(user, "registries.conf.d");
  const systemDropIns = join(system, "registries.conf.d");
  if (file !== undefined)
    return {
      main: file,
      mainMustExist: true,
      dropIns: [systemDropIns, userDropIns],
      passedOver: [inUser, inSystem].map((path) => skipped(path, `${file} is used instead`)),
    };
  if (exists(inUser)) {
    const passedOver = [inSystem, systemDropIns].map((path) => skipped(path, `${inUser} is there`));
    return { main: inUser, mainMustExist: false, dropIns: [userDropIns], passedOver };
  }
  return {
    main: inSystem,
    mainMustExist: false,
    dropIns: [systemDropIns, userDropIns],
    passedOver: [{ path: inUser, outcome: "absent" }],
  };
}

function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // out of reach counts as absent, as the reference has it
  }
}

function skipped(path: string, reason: string): ConsideredFile {
  return { path, outcome: "skipped", reason };
}

async function readMain(places: Places): Promise<RegistriesFile | undefined> {
  const { main, mainMustExist } = places;
  const file = await readNamed(main, "loading registries configuration", false);
  if (file === undefined && mainMustExist)
    throw new ConfigError(
      "config.unreadable",
      `loading registries configuration ${JSON.stringify(main)}: open ${main}: no such file or directory`,
      { file: main },
    );
  return file;
}

async function readNamed(
  path: string,
  doing: string,
  dropIn: boolean,
): Promise<RegistriesFile | undefined> {
  try {
    const bytes = readIfThere(resolve(path));
    return bytes && (await parseRegistriesFile(bytes.toString("utf8"), { dropIn }));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.code, `${doing} ${JSON.stringify(path)}: ${error.message}`, {
      file: path,
      cause: error,
    });
  }
}

/** `*.conf` directly in the folder, by name. A folder that is a link is not followed: the reference does not either. */
function listDropIns(folder: string, files: ConsideredFile[]): readonly string[] {
  try {
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      const there = exists(folder);
      files.push(there ? skipped(folder, "not a folder") : { path: folder, outcome: "absent" });
      return [];
    }
    return (listIfThere(folder) ?? [])
      .filter((entry) => entry.name.endsWith(".conf") && !entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch (error) {
    const text = fileErrorText(error, "open", folder);
    throw new ConfigError("config.unreadable", `reading registries.conf.d: ${text}`, {
      file: folder,
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
  options: { readonly dropIn: boolean },
): Promise<RegistriesFile> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return readRegistriesFile(parse(text), options);
  } catch (error) {
    if (error instanceof TomlError)
      throw new ConfigError("config.invalid", `toml: line ${error.line}: ${firstLine(error)}`, {
        cause: error,
      });
    if (!(error instanceof TomlTypeError)) throw error;
    const line = lineOf(error, text, parse, options);
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
function lineOf(
  fault: TomlTypeError,
  text: string,
  parse: ParseToml,
  options: { readonly dropIn: boolean },
): number {
  const lines = text.split("\n");
  for (let count = 1; count < lines.length; count++) {
    try {
      readRegistriesFile(parse(lines.slice(0, count).join("\n")), options);
    } catch (error) {
      if (error instanceof TomlTypeError && error.key === fault.key) return count;
    }
  }
  return lines.length;
}
