import { readFileSync, statSync } from "node:fs";
import { release } from "node:os";
import { delimiter, join } from "node:path";
import { type Environment, variable } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { listIfThere } from "./load-file.ts";
import { isProgram } from "./load-programs.ts";
import type { StorageDriver } from "./store-place.ts";

/** What a root may hold of: the names of the folders of drivers. */
const known = ["overlay", "btrfs", "zfs", "vfs"];
/** Which of them are looked for where nobody says so; `vfs` only counts where there is nothing else. */
const preferred: readonly string[] = ["overlay", "btrfs", "zfs"];

/**
 * The name of a driver, for a store at `root`, as one that we know. What the Go library does not know either has its text.
 *
 * @throws {ConfigError} `config.unsupported`
 */
export function checkDriver(name: string, root: string): StorageDriver {
  const driver = name === "overlay2" ? "overlay" : name;
  if (driver === "overlay" || driver === "vfs") return driver;
  const text = known.includes(driver)
    ? `storage driver ${JSON.stringify(name)} is not supported`
    : `failed to GetDriver graph ${name} ${root}: driver not supported`;
  throw new ConfigError("config.unsupported", text, {
    hint: "Use the driver overlay or vfs: in storage.conf, or as containers-storage:[overlay@ROOT]IMAGE.",
  });
}

/**
 * The driver of a store that does not say which: the one whose folder is there.
 *
 * @param priority `driver_priority`: which to look for, and to take where there is none
 * @param onPrior told of the driver, where the store shows that it is the one
 * @throws {ConfigError} `config.invalid` where there are several, so that nobody knows which is meant
 */
export function detectDriver(
  root: string,
  priority: readonly string[],
  onPrior?: (driver: string) => void,
): string {
  const prior = known.filter((name) => isFolder(join(root, name)));
  const wanted = priority.length > 0 ? priority : preferred;
  const found = wanted.find((name) => prior.includes(name));
  if (found !== undefined && prior.length > 1) {
    const message = `${root} contains several valid graphdrivers: ${prior.join(", ")}; Please cleanup or explicitly choose storage driver (-s <DRIVER>)`;
    throw new ConfigError("config.invalid", message);
  }
  if (found !== undefined) {
    onPrior?.(found);
    return found;
  }
  if (priority.length > 0) return priority.find(isUsable) ?? priority[0] ?? "overlay";
  return prior.includes("vfs") ? "vfs" : "overlay";
}

/** The driver of a user's own store, where nothing was set up: what is there, else overlay where a user can have that. */
export function detectRootlessDriver(environment: Environment, root: string): string {
  const images = filesOf(root).find((name) => name.endsWith("-images"));
  if (images !== undefined) return images.slice(0, -"-images".length);
  return hasOverlayForUsers() || isOnPath(environment, "fuse-overlayfs") ? "overlay" : "vfs";
}

/** Whether an overlay store is mounted by a program, as whoever made it has noted; undefined where it says nothing. */
export function notedMountProgram(root: string): boolean | undefined {
  try {
    return readFileSync(join(root, "overlay", ".has-mount-program"), "latin1") === "true";
  } catch {
    return undefined;
  }
}

function isUsable(name: string): boolean {
  return name === "overlay" || name === "overlay2" || name === "vfs";
}

function filesOf(folder: string): readonly string[] {
  try {
    return (listIfThere(folder) ?? []).map(({ name }) => name);
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Linux lets users mount overlayfs in their namespaces since 5.11; the Go library wants 5.13, where SELinux agrees. */
function hasOverlayForUsers(): boolean {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  return major > 5 || (major === 5 && minor >= 13);
}

function isOnPath(environment: Environment, program: string): boolean {
  const folders = (variable(environment, "PATH") ?? "").split(delimiter).filter(Boolean);
  return folders.some((folder) => isProgram(join(folder, program)));
}
