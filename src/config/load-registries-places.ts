import { lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type ConsideredFile,
  type Environment,
  systemContainersDirectory,
  userContainersDirectory,
  variable,
} from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { fileErrorText, listIfThere } from "./load-file.ts";

/** A registries.conf to be read. */
export interface RegistriesPlace {
  readonly path: string;
  /** A file that somebody named must be there. */
  readonly mustExist: boolean;
  /** What goes before its faults: `loading registries configuration`. */
  readonly doing: string;
  /** Said of the old format; absent where that is converted. */
  readonly refuseVersion1?: string;
}

/** All files to be read, in order, and what else was considered. */
export interface RegistriesPlaces {
  readonly main: string;
  readonly files: readonly RegistriesPlace[];
  readonly others: readonly ConsideredFile[];
  /** What a blocked registry is said to be blocked in. */
  readonly origin: string;
}

const DOING = "loading registries configuration";

/**
 * The files as skopeo 1.22 chooses them (registry.md 3.2): the user's main file hides the system's, and its drop-ins.
 *
 * @param file `--registries-conf`
 * @throws {ConfigError} `config.unreadable` for a folder that cannot be listed
 */
export function findRegistriesFiles(environment: Environment, file?: string): RegistriesPlaces {
  const inUser = join(userContainersDirectory(environment), "registries.conf");
  const inSystem = join(systemContainersDirectory(environment), "registries.conf");
  const useUser = file === undefined && exists(inUser);
  const main = file ?? (useUser ? inUser : inSystem);
  const folders = useUser ? [`${inUser}.d`] : [`${inSystem}.d`, `${inUser}.d`];
  const others: ConsideredFile[] = [];
  if (file !== undefined)
    others.push(...[inUser, inSystem].map((path) => skipped(path, `${file} is used instead`)));
  else if (useUser)
    others.push(...[inSystem, `${inSystem}.d`].map((path) => skipped(path, `${inUser} is there`)));
  else others.push({ path: inUser, outcome: "absent" });
  const dropIns = folders.flatMap((folder) => listDropIns(folder, others));
  return {
    main,
    files: [
      { path: main, mustExist: file !== undefined, doing: DOING },
      ...dropIns.map((path) => ({
        path,
        mustExist: false,
        doing: "loading drop-in registries configuration",
        refuseVersion1: "registry must be in v2 format but is in v1",
      })),
    ],
    others,
    origin: `${main} or ${inUser}.d`,
  };
}

/** `*.conf` directly in the folder, by name. A folder that is a link is not followed: 1.22 does not either. */
function listDropIns(folder: string, others: ConsideredFile[]): readonly string[] {
  const paths = list(folder, () => lstatSync(folder, { throwIfNoEntry: false })?.isDirectory());
  if (paths) return [...paths.values()];
  others.push(
    exists(folder) ? skipped(folder, "not a folder") : { path: folder, outcome: "absent" },
  );
  return [];
}

/**
 * The files as skopeo after 1.22 chooses them: user, system, vendor; of drop-ins with the same name the first hides the
 * others, and all are read by name. CONTAINERS_REGISTRIES_CONF replaces the main file and leaves out the drop-ins,
 * CONTAINERS_REGISTRIES_CONF_OVERRIDE is read last.
 *
 * @param file `--registries-conf`
 * @throws {ConfigError} `config.unreadable` for a folder that cannot be listed
 */
export function findRegistriesFilesByName(
  environment: Environment,
  file?: string,
): RegistriesPlaces {
  const fromVariable = file ? undefined : variable(environment, "CONTAINERS_REGISTRIES_CONF");
  const named = file ?? fromVariable;
  const configHome = variable(environment, "XDG_CONFIG_HOME") ?? join(environment.home, ".config");
  const parents = [configHome, environment.systemDirectory, environment.vendorDirectory];
  const mains = parents.map((parent) => join(parent, "containers", "registries.conf"));
  const candidates = named === undefined ? mains : [named];
  const main = candidates.find(exists) ?? candidates[0] ?? "";
  const folders = fromVariable === undefined ? dropInFolders(environment, mains) : [];
  const others = mains
    .filter((path) => path !== main)
    .map((path) => (exists(path) ? skipped(path, `${main} is used`) : absent(path)));
  const last = variable(environment, "CONTAINERS_REGISTRIES_CONF_OVERRIDE");
  const dropIns = maskByName(folders, others);
  const place = (path: string, mustExist: boolean): RegistriesPlace => ({
    path,
    mustExist,
    doing: DOING,
    refuseVersion1: "registries.conf must be in v2 format but is in v1",
  });
  return {
    main,
    files: [
      place(main, named !== undefined),
      ...dropIns.map((path) => place(path, false)),
      ...(last === undefined ? [] : [place(last, true)]),
    ],
    others,
    origin: `one of [${[...candidates, ...folders].map((path) => JSON.stringify(path)).join(" ")}]`,
  };
}

/** The user's folder, then the system's and the vendor's three each, the highest first. */
function dropInFolders({ uid }: Environment, mains: readonly string[]): readonly string[] {
  const [user, ...others] = mains;
  const below = others.flatMap((main) => {
    const special = main.replace(/\.conf$/, uid > 0 ? ".rootless.conf.d" : ".rootful.conf.d");
    return [`${main}.d`, special, ...(uid > 0 ? [join(special, String(uid))] : [])];
  });
  return user === undefined ? below : [`${user}.d`, ...below];
}

function maskByName(folders: readonly string[], others: ConsideredFile[]): readonly string[] {
  const chosen = new Map<string, string>();
  for (const folder of folders) {
    const paths = list(folder, () => true);
    if (!paths) others.push(absent(folder));
    for (const [name, path] of paths ?? []) {
      const higher = chosen.get(name);
      if (higher === undefined) chosen.set(name, path);
      else others.push(skipped(path, `${higher} has the same name`));
    }
  }
  return [...chosen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** Name to path of a folder's `*.conf`, in order; undefined where there is no such folder. */
function list(
  folder: string,
  isListed: () => boolean | undefined,
): ReadonlyMap<string, string> | undefined {
  try {
    if (!isListed()) return undefined;
    const entries = listIfThere(folder)?.filter(
      (entry) => entry.name.endsWith(".conf") && !entry.isDirectory(),
    );
    return entries && new Map(entries.map(({ name }) => [name, join(folder, name)]));
  } catch (error) {
    const text = fileErrorText(error, "open", folder);
    throw new ConfigError("config.unreadable", `reading registries.conf.d: ${text}`, {
      file: folder,
      cause: error,
    });
  }
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

function absent(path: string): ConsideredFile {
  return { path, outcome: "absent" };
}
