import { isAbsolute, normalize } from "node:path";
import { goQuote } from "../core/go-quote.ts";
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
 * Reads options of the form `overlay.key=value`, `.key=value` or `key=value`. Those that only matter to mounting are passed
 * over; what the driver does not know, is refused as the Go library does.
 *
 * @throws {ConfigError} `config.invalid`
 */
export function readDriverOptions(
  driver: StorageDriver,
  options: readonly string[],
): DriverOptions {
  const settings = options.map((option) => readOption(driver, option));
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

/** Overlay's, without `overlay.`, `overlay2.` or a point before them. */
const overlayKeys: ReadonlySet<string> = new Set([
  ...storeKeys,
  "additionallayerstore",
  "force_mask",
  "ignore_chown_errors",
  "inodes",
  "mount_program",
  "mountopt",
  "override_kernel_check",
  "size",
  "skip_mount_home",
  "use_composefs",
]);

/** Of vfs, which wants `vfs.` or a point before them. */
const vfsKeys: ReadonlySet<string> = new Set(["imagestore", "ignore_chown_errors"]);

function readOption(driver: StorageDriver, option: string): Setting {
  const equals = option.indexOf("=");
  if (equals < 0)
    throw new ConfigError("config.invalid", `unable to parse key/value option: ${option}`);
  const written = option.slice(0, equals).trim();
  const key = driver === "overlay" ? overlayKey(written) : vfsKey(written.toLowerCase());
  const value = option.slice(equals + 1).trim();
  const fault = truths.has(key)
    ? badTruth(value)
    : key === "force_mask"
      ? badMask(value)
      : undefined;
  if (fault !== undefined) throw new ConfigError("config.invalid", fault);
  return { key, value };
}

const truths: ReadonlySet<string> = new Set([
  "ignore_chown_errors",
  "skip_mount_home",
  "use_composefs",
]);

/** As Go's strconv.ParseBool has it. */
function badTruth(text: string): string | undefined {
  if (isTrue(text) || /^(?:0|f|F|false|FALSE|False)$/.test(text)) return undefined;
  return `strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`;
}

function badMask(text: string): string | undefined {
  if (/^(?:shared|private|[+-]?[0-7]+)$/.test(text)) return undefined;
  return `strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`;
}

function overlayKey(written: string): string {
  const key = written.toLowerCase().replace(/^(?:overlay2?)?\./, "");
  if (overlayKeys.has(key)) return key;
  throw new ConfigError("config.invalid", `overlay: unknown option ${written}`);
}

function vfsKey(written: string): string {
  const key = written.replace(/^(?:vfs)?\./, "");
  if (key !== written && vfsKeys.has(key)) return key;
  const what = written === "vfs.mountopt" ? "mount" : written;
  throw new ConfigError("config.invalid", `vfs driver does not support ${what} options`);
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
