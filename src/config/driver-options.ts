import { isAbsolute, normalize } from "node:path";
import { ConfigError } from "./errors.ts";
import type { StorageDriver } from "./store-place.ts";

/** What a driver's options come to, as far as images have to do with it. */
export interface DriverOptions {
  /** Roots of stores that are only read. */
  readonly additional: readonly string[];
  readonly mountProgram: boolean;
  readonly ignoreChownErrors: boolean;
  /** The options with which we write nothing. */
  readonly readOnlyBecause: readonly string[];
}

/**
 * Reads options of the form `overlay.key=value`, `.key=value` or `key=value`. Those of other drivers, and those that only
 * matter to mounting, are passed over.
 *
 * @throws {ConfigError} `config.invalid`
 */
export function readDriverOptions(
  driver: StorageDriver,
  options: readonly string[],
): DriverOptions {
  const settings = options.flatMap((option) => readOption(driver, option));
  const last = (key: string) => settings.findLast((setting) => setting.key === key)?.value ?? "";
  const stores = settings.filter(({ key }) => storeKeys.has(key));
  return {
    additional: stores.flatMap(({ value }) => value.split(",").filter(Boolean).map(storeRoot)),
    mountProgram: driver === "overlay" && last("mount_program") !== "",
    ignoreChownErrors: isTrue(last("ignore_chown_errors")),
    readOnlyBecause: [
      ...(last("force_mask") === "" ? [] : ["force_mask"]),
      ...(isTrue(last("use_composefs")) ? ["use_composefs"] : []),
    ],
  };
}

/** Two names of the same: the older one says nothing of being additional. */
const storeKeys: ReadonlySet<string> = new Set(["imagestore", "additionalimagestore"]);

interface Setting {
  readonly key: string;
  readonly value: string;
}

function readOption(driver: StorageDriver, option: string): readonly Setting[] {
  const equals = option.indexOf("=");
  if (equals < 0)
    throw new ConfigError("config.invalid", `unable to parse key/value option: ${option}`);
  const [prefix, key] = splitKey(option.slice(0, equals).trim().toLowerCase());
  const owner = prefix === "overlay2" ? "overlay" : prefix;
  const isOurs = owner === "" || owner === driver;
  return isOurs ? [{ key, value: option.slice(equals + 1).trim() }] : [];
}

function splitKey(text: string): readonly [prefix: string, key: string] {
  const point = text.indexOf(".");
  return point < 0 ? ["", text] : [text.slice(0, point), text.slice(point + 1)];
}

function storeRoot(path: string): string {
  if (isAbsolute(path)) return normalize(path).replace(/(?<=.)\/$/, "");
  const quoted = JSON.stringify(path);
  throw new ConfigError(
    "config.invalid",
    `image path ${quoted} is not absolute.  Can not be relative`,
  );
}

/** As Go's strconv.ParseBool has it. */
function isTrue(text: string): boolean {
  return /^(?:1|t|T|true|TRUE|True)$/.test(text);
}
