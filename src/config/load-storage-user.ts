import { realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Environment, variable } from "./environment.ts";

/** Where a user's programs keep data: `$XDG_DATA_HOME`, `~/.local/share`; undefined for a user who has no home either. */
export function dataFolder(environment: Environment): string | undefined {
  const { home } = environment;
  const isHomeless = home === "/" && variable(environment, "HOME") === undefined;
  return (
    variable(environment, "XDG_DATA_HOME") ??
    (isHomeless ? undefined : join(home, ".local", "share"))
  );
}

/** Where a user's programs keep what a restart may take: `$XDG_RUNTIME_DIR`, else the places that the Go library tries. */
export function runtimeFolder(environment: Environment): string {
  const named = variable(environment, "XDG_RUNTIME_DIR");
  if (named !== undefined) return followed(named);
  const { uid } = environment;
  const usual = join("/run/user", String(uid));
  const isInside = variable(environment, "_CONTAINERS_ROOTLESS_UID") !== undefined;
  if (isOwn(usual, isInside ? 0 : uid)) return usual;
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
