import { loadRobots, type Robots } from "./robots.ts";
import type { Groups } from "./rules.ts";
import type { AccessSettings } from "./settings.ts";
import { type Passwords, parseGroups, parsePasswords, readText } from "./user-files.ts";

/** Everybody that files know of, as they were last read. */
export interface UserStore {
  readonly paths: readonly string[];
  readonly passwords: Passwords;
  readonly groups: Groups;
  readonly robots: Robots;
  /** @throws {ServerError} `server.bad-file`; everything stays as it was then */
  reload(): void;
  /** Reads those of other settings. @throws as {@link reload} */
  change(settings: AccessSettings): void;
}

/** Reads them. @throws {ServerError} `server.bad-file` */
export function createUserStore(settings: AccessSettings): UserStore {
  let loaded = load(settings);
  let from = settings;
  return {
    get paths() {
      return loaded.paths;
    },
    get passwords() {
      return loaded.passwords;
    },
    get groups() {
      return loaded.groups;
    },
    get robots() {
      return loaded.robots;
    },
    reload() {
      loaded = load(from);
    },
    change(next) {
      loaded = load(next);
      from = next;
    },
  };
}

function load({ htpasswd, groups, robots }: AccessSettings) {
  const tokenFiles = Object.values(robots).map(({ tokenFile }) => tokenFile);
  return {
    paths: [htpasswd, groups, ...tokenFiles].filter((path) => path !== undefined),
    passwords:
      htpasswd === undefined
        ? new Map<string, string>()
        : parsePasswords(readText(htpasswd), htpasswd),
    groups: groups === undefined ? new Map() : parseGroups(readText(groups), groups),
    robots: loadRobots(robots),
  };
}
