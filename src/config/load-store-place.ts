import { statSync } from "node:fs";
import { readDriverOptions } from "./driver-options.ts";
import type { Environment } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { fileErrorText } from "./load-file.ts";
import { loadStorageConf, type WarnOfStorageConf } from "./load-storage-conf.ts";
import { checkDriver, detectDriver, notedMountProgram } from "./load-storage-driver.ts";
import { isInUserNamespace } from "./load-user-namespace.ts";
import type { StorePlace } from "./store-place.ts";

/** What a reference says in brackets of the store it means. */
export interface StoreRequest {
  readonly driver?: string | undefined;
  /** Absolute; of the configured store where absent. */
  readonly graphroot?: string | undefined;
  readonly runroot?: string | undefined;
  /** They stand for all that are configured. */
  readonly options: readonly string[];
}

/** Who is told what comes to light besides. */
export interface StoreNotes {
  /** That the store at `root` shows which driver it is, where nobody says so. */
  readonly prior?: (driver: string, root: string) => void;
  readonly warn?: WarnOfStorageConf;
}

/**
 * The store that a user has when nothing else is said, or the one that a reference says. Where no driver is named, that of
 * what is there.
 *
 * @throws {ConfigError} `config.unsupported` for a driver that we do not know; `config.not-found` for a user without a home; `config.invalid`, `config.unreadable`
 */
export async function loadStorePlace(
  environment: Environment,
  request?: StoreRequest,
  notes: StoreNotes = {},
): Promise<StorePlace> {
  const conf = await loadStorageConf(environment, notes.warn);
  const graphroot = request?.graphroot || conf.graphroot;
  if (graphroot === "") throw noHome(environment);
  const named = request ? request.driver : conf.driver;
  const detect = () =>
    detectDriver(graphroot, conf.driverPriority, (prior) => notes.prior?.(prior, graphroot));
  const driver = checkDriver(named || detect(), graphroot);
  const options = request?.options ?? conf.options;
  const read = readDriverOptions(driver, options);
  if (driver === "overlay") for (const root of read.additional) checkIsThere(root);
  const noted = driver === "overlay" && notedMountProgram(graphroot) === true;
  return {
    driver,
    graphroot,
    runroot: request?.runroot || conf.runroot,
    options,
    additional: read.additional,
    ...(conf.imageStore && !request && { imageStore: conf.imageStore }),
    userNamespace: isInUserNamespace(environment),
    mountProgram: read.mountProgram || noted,
    ignoreChownErrors: read.ignoreChownErrors,
    readOnlyBecause: read.readOnlyBecause,
  };
}

/** What overlay is to read along has to be there; vfs does not mind. */
function checkIsThere(root: string): void {
  try {
    statSync(root);
  } catch (cause) {
    const message = `overlay: can't stat imageStore dir ${root}: ${fileErrorText(cause, "stat", root)}`;
    throw new ConfigError("config.unreadable", message, { file: root, cause });
  }
}

function noHome({ uid }: Environment): ConfigError {
  const message = `user ${uid} has no home to keep images in: neither HOME nor XDG_DATA_HOME is set, and passwd names none`;
  const hint = "Set HOME, or name the store: graphroot in storage.conf, or --root";
  return new ConfigError("config.not-found", message, { hint });
}
