import { readDriverOptions } from "./driver-options.ts";
import type { Environment } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { loadStorageConf } from "./load-storage-conf.ts";
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

/**
 * The store that a user has when nothing else is said, or the one that a reference says. Where no driver is named, that of
 * what is there.
 *
 * @param onPrior told of the driver and the root, where that was so
 * @throws {ConfigError} `config.unsupported` for a driver that we do not know; `config.not-found` for a user without a home; `config.invalid`, `config.unreadable`
 */
export async function loadStorePlace(
  environment: Environment,
  request?: StoreRequest,
  onPrior?: (driver: string, root: string) => void,
): Promise<StorePlace> {
  const conf = await loadStorageConf(environment);
  const graphroot = request?.graphroot || conf.graphroot;
  if (graphroot === "") throw noHome(environment);
  const named = request ? request.driver : conf.driver;
  const detect = () =>
    detectDriver(graphroot, conf.driverPriority, (prior) => onPrior?.(prior, graphroot));
  const driver = checkDriver(named || detect(), graphroot);
  const options = request?.options ?? conf.options;
  const read = readDriverOptions(driver, options);
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

function noHome({ uid }: Environment): ConfigError {
  const message = `user ${uid} has no home to keep images in: neither HOME nor XDG_DATA_HOME is set, and passwd names none`;
  const hint = "Set HOME, or name the store: graphroot in storage.conf, or --root";
  return new ConfigError("config.not-found", message, { hint });
}
