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
];

function optionsOf(driver: string, options: TomlFields | undefined): readonly string[] {
  if (options === undefined) return [];
  const own = options.table(driver === "overlay2" ? "overlay" : driver);
  const stores = options.strings("additionalimagestores") ?? [];
  const isVfs = driver === "vfs"; // its table knows one key
  const settings = driverKeys.flatMap((key) => {
    if (isVfs && key === "inodes") return [];
    const isOwn = !isVfs || key === "ignore_chown_errors";
    const value = (isOwn && own?.text(key)) || options.text(key);
    return value === "" ? [] : [`${driver}.${key}=${value}`];
  });
  return [...stores.map((path) => `${driver}.imagestore=${path}`), ...settings];
}
