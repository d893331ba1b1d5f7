import { realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { goQuote } from "../core/go-quote.ts";
import { type Environment, systemContainersDirectory, variable } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { fileErrorText, isAbsent, readIfThere } from "./load-file.ts";
import { detectRootlessDriver } from "./load-storage-driver.ts";
import { dataFolder, runtimeFolder } from "./load-storage-user.ts";
import { noStorageConf, readStorageConf, type StorageConf } from "./storage-conf.ts";
import { TomlFields } from "./toml-fields.ts";
import { readToml } from "./toml-reading.ts";

/** Is told, in the Go library's words, what in a storage.conf counts for nothing, and what it does not say. */
export type WarnOfStorageConf = (message: string) => void;

/**
 * What storage.conf says, with the roots that count for this user: one file counts, and nothing of another; of a file
 * for all, a user's own store has but the driver and what was meant for users (containers-storage.conf(5), spec 3).
 * A user without a home may have no graphroot. The environment goes before the file: `STORAGE_DRIVER`, `STORAGE_OPTS`.
 *
 * @throws {ConfigError} `config.invalid`, `config.unreadable`
 */
export async function loadStorageConf(
  environment: Environment,
  warn: WarnOfStorageConf = () => {},
): Promise<StorageConf> {
  const load = environment.uid > 0 ? loadForUser : loadForRoot;
  const conf = await load(environment, warn);
  const options = variable(environment, "STORAGE_OPTS")?.split(",");
  const found: StorageConf = {
    ...conf,
    driver: variable(environment, "STORAGE_DRIVER") ?? conf.driver,
    graphroot: conf.graphroot && expand(environment, conf.graphroot),
    runroot: expand(environment, conf.runroot),
    imageStore: conf.imageStore && expand(environment, conf.imageStore),
    options: options ?? conf.options,
  };
  if (found.imageStore && found.imageStore === found.graphroot) throw sameRoots(found.imageStore);
  return found;
}

async function loadForRoot(
  environment: Environment,
  warn: WarnOfStorageConf,
): Promise<StorageConf> {
  const conf = await loadSystemConf(environment, warn);
  return {
    ...conf,
    graphroot: conf.graphroot || "/var/lib/containers/storage",
    runroot: conf.runroot || "/run/containers/storage",
  };
}

async function loadForUser(
  environment: Environment,
  warn: WarnOfStorageConf,
): Promise<StorageConf> {
  const system = await loadSystemConf(environment, warn);
  const data = dataFolder(environment);
  const usual = data === undefined ? "" : join(data, "containers", "storage");
  const runroot = join(runtimeFolder(environment), "containers");
  const own = await loadFile(environment, userFile(environment), warn);
  if (own)
    return {
      ...own,
      graphroot: own.graphroot || own.rootlessStoragePath || system.rootlessStoragePath || usual,
      runroot: own.runroot || runroot,
    };
  const graphroot = system.rootlessStoragePath || usual;
  const named = isForUsers(system.driver) ? system.driver : "";
  const detect = () =>
    detectRootlessDriver(environment, graphroot && expand(environment, graphroot));
  const driver = named || (system.driverPriority.length > 0 ? "" : detect());
  const chown = system.options.filter((option) => option.includes("ignore_chown_errors"));
  const options = /^overlay2?$/.test(driver) ? chown.slice(0, 1) : [];
  const { driverPriority } = system;
  return { ...noStorageConf, driver, driverPriority, graphroot, runroot, options };
}

function isForUsers(driver: string): boolean {
  return ["btrfs", "overlay", "overlay2", "vfs"].includes(driver);
}

/** The one file that counts for all users; nothing where there is none. */
async function loadSystemConf(
  environment: Environment,
  warn: WarnOfStorageConf,
): Promise<StorageConf> {
  const named = variable(environment, "CONTAINERS_STORAGE_CONF");
  if (named !== undefined) {
    const conf = await loadFile(environment, named, warn);
    if (conf) return conf;
    const message = `stat ${named}: no such file or directory`;
    throw new ConfigError("config.unreadable", message, { file: named });
  }
  const xdg = variable(environment, "XDG_CONFIG_HOME");
  const etc = join(systemContainersDirectory(environment), "storage.conf");
  const vendor = join(environment.vendorDirectory, "containers", "storage.conf");
  const files = [...(xdg ? [join(xdg, "containers", "storage.conf")] : []), etc, vendor];
  for (const file of files) {
    const conf = await loadFile(environment, file, warn);
    if (conf) return conf;
  }
  return noStorageConf;
}

function userFile(environment: Environment): string {
  const named = variable(environment, "CONTAINERS_STORAGE_CONF");
  const xdg = variable(environment, "XDG_CONFIG_HOME") ?? join(environment.home, ".config");
  return named ?? join(xdg, "containers", "storage.conf");
}

async function loadFile(
  environment: Environment,
  path: string,
  warn: WarnOfStorageConf,
): Promise<StorageConf | undefined> {
  const bytes = readIfThere(resolve(environment.cwd, path), path);
  if (bytes === undefined) return undefined;
  try {
    const [conf, unknown] = await readToml(bytes.toString("utf8"), (table) => {
      const fields = new TomlFields(table);
      const read = readStorageConf(fields, variable(environment, "STORAGE_DRIVER") ?? "");
      return [read, fields.unread()];
    });
    for (const message of warningsOf(conf, unknown, path)) warn(message);
    return conf;
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const message = `loading storage configuration ${JSON.stringify(path)}: ${cause.message}`;
    throw new ConfigError("config.invalid", message, { file: path, cause });
  }
}

function warningsOf(
  { driver, driverPriority }: StorageConf,
  unknown: readonly string[],
  path: string,
): readonly string[] {
  const keys = unknown.map(goQuote).join(" ");
  return [
    ...(unknown.length > 0 ? [`Failed to decode the keys [${keys}] from ${goQuote(path)}`] : []),
    ...(driver === "overlay2"
      ? ["Switching default driver from overlay2 to the equivalent overlay driver"]
      : []),
    ...(driver === "" && driverPriority.length === 0
      ? [`The storage 'driver' option should be set in ${path}. A driver was picked automatically.`]
      : []),
  ];
}

/** `$UID` is nobody's variable: it stands for the user's number. Links are followed, so that a store has one name. */
function expand(environment: Environment, path: string): string {
  const text = path
    .replaceAll("$UID", String(environment.uid))
    .replace(
      /\$(?:\{(\w+)\}|(\w+))/g,
      (_, braced: string | undefined, bare: string | undefined) => {
        return environment.variables[braced ?? bare ?? ""] ?? "";
      },
    );
  const whole = resolve(environment.cwd, text);
  try {
    return realpathSync(whole);
  } catch (error) {
    if (isAbsent(error)) return whole;
    throw new ConfigError("config.unreadable", fileErrorText(error, "lstat", whole), {
      cause: error,
    });
  }
}

function sameRoots(path: string): ConfigError {
  const message = `imagestore ${path} must either be not set or be a different than graphroot`;
  return new ConfigError("config.invalid", message);
}
