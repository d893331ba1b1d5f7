import { realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Environment, variable } from "./environment.ts";

/**
 * The number of the user whose storage it is: inside the user namespace in which podman and buildah run their own programs, that
 * is not the number this process has.
 */
export function storageUser(environment: Environment): number {
  const outside = variable(environment, "_CONTAINERS_ROOTLESS_UID");
  return outside !== undefined && /^\d+$/.test(outside) ? Number(outside) : environment.uid;
}

/** Where a user's programs keep data: `$XDG_DATA_HOME`, `~/.local/share`. */
export function dataFolder(environment: Environment): string {
  return variable(environment, "XDG_DATA_HOME") ?? join(environment.home, ".local", "share");
}

/** Where a user's programs keep what a restart may take: `$XDG_RUNTIME_DIR`, else the places that the Go library tries. */
export function runtimeFolder(environment: Environment): string {
  const named = variable(environment, "XDG_RUNTIME_DIR");
  if (named !== undefined) return followed(named);
  const uid = storageUser(environment);
  const usual = join("/run/user", String(uid));
  if (isOwn(usual, uid)) return usual;
  return join(variable(environment, "TMPDIR") ?? "/tmp", `storage-run-${uid}`);
}

function followed(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** A folder into which nobody else can put anything. */
function isOwn(path: string, uid: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o777) === 0o700;
}
