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
}

/** Reads them. @throws {ServerError} `server.bad-file` */
export function loadUsers(settings: AccessSettings): UserStore {
  const { htpasswd, groups: groupFile, robots } = settings;
  const tokenFiles = Object.values(robots).map(({ tokenFile }) => tokenFile);
  const load = () => ({
    passwords:
      htpasswd === undefined
        ? new Map<string, string>()
        : parsePasswords(readText(htpasswd), htpasswd),
    groups: groupFile === undefined ? new Map() : parseGroups(readText(groupFile), groupFile),
    robots: loadRobots(robots),
  });
  let loaded = load();
  return {
    paths: [htpasswd, groupFile, ...tokenFiles].filter((path) => path !== undefined),
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
      loaded = load();
    },
  };
}
