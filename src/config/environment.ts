import { join } from "node:path";

/** What surrounds this process, read once at the edge and handed down, so that nobody below reads globals. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /**
   * The user's number; -1 where the system has none. In the user namespace that podman, buildah and we have for ordinary users'
   * storage it is still the user's own, not that of root in there.
   */
  readonly uid: number;
  /** Absolute. */
  readonly home: string;
  /** Empty where it was removed: then relative paths are told as `core/working-folder.ts` does. */
  readonly cwd: string;
  /** As `process.platform` says it. */
  readonly platform: string;
  /** As `process.arch` says it. */
  readonly architecture: string;
  /** Where the system keeps settings: `/etc`; `/usr/local/etc` on FreeBSD. */
  readonly systemDirectory: string;
  /** Where the distribution keeps its own defaults: `/usr/share`; `/usr/local/share` on FreeBSD. */
  readonly vendorDirectory: string;
}

/** A file that was looked at on the way to a setting, for `amphora info`. */
export interface ConsideredFile {
  readonly path: string;
  readonly outcome: "read" | "absent" | "skipped";
  /** Why it was skipped. */
  readonly reason?: string;
}

/** The variable's text; an empty one counts as unset, as the reference tools have it. */
export function variable(environment: Environment, name: string): string | undefined {
  return environment.variables[name] || undefined;
}

/** `~/.config/containers`: for registries.conf, policy.json and certs.d XDG_CONFIG_HOME is not asked. */
export function userContainersDirectory(environment: Environment): string {
  return join(environment.home, ".config", "containers");
}

/** `/etc/containers`. */
export function systemContainersDirectory(environment: Environment): string {
  return join(environment.systemDirectory, "containers");
}
