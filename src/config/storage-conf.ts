import type { TomlFields } from "./toml-fields.ts";

/** What one storage.conf says — containers-storage.conf(5). "" where it says nothing. */
export interface StorageConf {
  readonly driver: string;
  /** Drivers to be tried where none is named. */
  readonly driverPriority: readonly string[];
  readonly graphroot: string;
  readonly runroot: string;
  readonly rootlessStoragePath: string;
  /** Another root for images. */
  readonly imageStore: string;
  /** All options of the driver, as `driver.key=value`. */
  readonly options: readonly string[];
}

/** The configuration of those who have none. */
export const noStorageConf: StorageConf = {
  driver: "",
  driverPriority: [],
  graphroot: "",
  runroot: "",
  rootlessStoragePath: "",
  imageStore: "",
  options: [],
};

/**
 * Reads a storage.conf that was parsed already.
 *
 * @param override `STORAGE_DRIVER`: which driver it is whose options count
 * @throws {TomlTypeError}
 */
export function readStorageConf(document: TomlFields, override: string): StorageConf {
  const storage = document.table("storage");
  if (storage === undefined) return { ...noStorageConf, driver: override };
  const driver = override || storage.string("driver");
  storage.boolean("transient_store");
  return {
    driver,
    driverPriority: storage.strings("driver_priority") ?? [],
    graphroot: storage.string("graphroot"),
    runroot: storage.string("runroot"),
    rootlessStoragePath: storage.string("rootless_storage_path"),
    imageStore: storage.string("imagestore"),
    options: optionsOf(driver, storage.table("options")),
  };
}

/** Those that are written without the driver's table, and may be in it too, where they count for more. */
const driverKeys = [
  "mount_program",
  "ignore_chown_errors",
  "force_mask",
  "use_composefs",
  "mountopt",
  "size",
  "inodes",
  "skip_mount_home",
] as const;

/** Which of the drivers' tables knows which keys, all of them texts. */
const tables: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ["overlay", driverKeys],
  ["vfs", ["ignore_chown_errors"]],
  ["btrfs", ["min_space", "size"]],
  ["zfs", ["fsname", "mountopt", "size"]],
  ["thinpool", []],
]);

/** All that the format knows is read, whatever the driver: a wrong type anywhere makes the file wrong. */
function optionsOf(driver: string, options: TomlFields | undefined): readonly string[] {
  if (options === undefined) return [];
  const wanted = driver === "overlay2" ? "overlay" : driver;
  const own = new Map<string, string>();
  for (const [name, keys] of tables) {
    const table = options.table(name);
    for (const key of keys) {
      const value = table?.string(key) ?? "";
      if (name === wanted) own.set(key, value);
    }
  }
  passOver(options);
  const stores = options.strings("additionalimagestores") ?? [];
  const settings = driverKeys.flatMap((key) => {
    const value = own.get(key) || commonText(options, key);
    return value === "" ? [] : [`${driver}.${key}=${value}`];
  });
  return [...stores.map((path) => `${driver}.imagestore=${path}`), ...settings];
}

function commonText(options: TomlFields, key: (typeof driverKeys)[number]): string {
  if (key === "inodes") return "";
  return key === "force_mask" ? String(options.integer(key) || "") : options.string(key);
}

/** Known, and nothing to images. */
function passOver(options: TomlFields): void {
  options.strings("additionallayerstores");
  options.string("imagestore");
  options.string("root-auto-userns-user");
  options.integer("auto-userns-min-size");
  options.integer("auto-userns-max-size");
  options.boolean("disable-volatile");
  options.stringMap("pull_options");
}
