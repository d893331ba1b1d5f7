import type { Access, Action } from "../access.ts";
import type { Report } from "../server-event.ts";
import type { Face } from "../shell/faces.ts";
import { watchFiles } from "../shell/watch-files.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { createChallenges } from "./challenges.ts";
import { type ConfiguredTokens, configuredTokens } from "./configured-tokens.ts";
import { type Grants, isForCatalog, isGranted } from "./grants.ts";
import { createIdentify } from "./identify.ts";
import { KnownCaller } from "./known-caller.ts";
import { limitRequests } from "./limit-requests.ts";
import { createPasswordHasher } from "./password-hasher.ts";
import { createPasswordCheck } from "./passwords.ts";
import { hasAnonymousRights, makeRules, type Rules } from "./rules.ts";
import type { AccessSettings } from "./settings.ts";
import { tokenFace } from "./token-face.ts";
import { createUserStore, type UserStore } from "./user-store.ts";

/** Access by configuration, and what comes with it. */
export interface ConfiguredAccess extends AsyncDisposable {
  readonly access: Access;
  /** `/token`, where there are tokens. */
  readonly faces: readonly Face[];
  /** Reads passwords, groups and robots' tokens again. */
  reload(): void;
  /**
   * Goes by other rules and users from now on. Gives what of the settings is only heeded at the next start.
   *
   * @throws {ServerError} `server.bad-file`; everything stays as it was then
   */
  change(settings: AccessSettings): readonly string[];
}

/** What access is built with. */
export interface AccessParts {
  /** The server's, for which tokens are. */
  readonly name: string;
  /** A key for tokens is made in here where none is configured. */
  readonly data: string;
  /** Requests a second; 0: as many as they like. */
  readonly perUser: number;
  readonly perAddress: number;
  readonly now: () => number;
  readonly report: Report;
}

/**
 * Builds who may do what. Files are read again when they change; one that cannot be read leaves what was.
 *
 * @throws {ServerError} `server.bad-file` where one cannot be read now
 */
export function createAccess(settings: AccessSettings, parts: AccessParts): ConfiguredAccess {
  const { now, report } = parts;
  const users = createUserStore(settings);
  const hasher = createPasswordHasher();
  const tokens = configuredTokens(settings, parts);
  let current = makeRules(settings, () => users.groups);
  const rules: Rules = (caller, repository, action) => current(caller, repository, action);
  const challenge = createChallenges({
    ...parts,
    realm: settings.realm,
    ...(tokens && { tokens }),
  });
  const identify = createIdentify({
    passwords: createPasswordCheck(settings, { passwords: () => users.passwords, hasher, now }),
    robots: () => users.robots,
    isUser: (name) => isUser(users, name),
    unauthorized: (credentials, error) => {
      const asked = challenge("", [], credentials);
      return new RegistryAnswerError("UNAUTHORIZED", "authentication required", {
        status: 401,
        detail: "user, password or token is wrong",
        headers: { "WWW-Authenticate": error && tokens ? `${asked},error="${error}"` : asked },
      });
    },
    now,
    ...(tokens && { tokens: tokens.tokens }),
  });
  const limited = limitRequests(identify, parts);
  const isOpen = hasAnonymousRights(settings) && !tokens;
  const reload = () => readAgain(users, report);
  let watch = watchFiles(users.paths, reload);
  return {
    access: {
      anonymous: isOpen,
      identify: limited,
      allows: (caller, repository, action) =>
        caller instanceof KnownCaller && allows(caller, repository, action, { rules, isOpen }),
      wouldAllow: (caller, repository, action) =>
        caller instanceof KnownCaller &&
        caller.grants !== undefined &&
        allows(withoutGrants(caller), repository, action, { rules, isOpen }),
      whoLists: (caller) =>
        caller instanceof KnownCaller && caller.grants ? listerOf(caller, caller.grants) : caller,
      challenge,
      secretOf: (user) => users.passwords.get(user),
    },
    faces: tokens ? [faceOf(tokens, users, { identify: limited, allows: rules })] : [],
    reload,
    change(next) {
      const others = otherwiseChanged(settings, next);
      if (hasAnonymousRights(next) !== hasAnonymousRights(settings))
        return [...others, "anonymous"];
      const changed = makeRules(next, () => users.groups);
      users.change(next);
      current = changed;
      watch[Symbol.dispose]();
      watch = watchFiles(users.paths, reload);
      return others;
    },
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      await hasher.close();
    },
  };
}

const changeable: ReadonlySet<string> = new Set([
  "rules",
  "anonymous",
  "htpasswd",
  "groups",
  "robots",
]);

function otherwiseChanged(before: AccessSettings, after: AccessSettings): readonly string[] {
  return (Object.keys(after) as (keyof AccessSettings)[]).filter(
    (name) => !changeable.has(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
}

function listerOf(caller: KnownCaller, grants: Grants): KnownCaller | undefined {
  return isForCatalog(grants) ? withoutGrants(caller) : undefined;
}

function withoutGrants({ user, address }: KnownCaller): KnownCaller {
  return new KnownCaller(user, address);
}

/** That of the server as a whole which everybody may ask is whether it is one. */
function allows(
  caller: KnownCaller,
  repository: string,
  action: Action,
  { rules, isOpen }: { readonly rules: Rules; readonly isOpen: boolean },
): boolean {
  if (caller.grants && !isGranted(caller.grants, repository, action)) return false;
  if (repository === "" && action === "pull")
    return isOpen || caller.user !== undefined || caller.grants !== undefined;
  return rules(caller, repository, action);
}

function faceOf(
  { tokens, service }: ConfiguredTokens,
  users: UserStore,
  parts: Pick<Parameters<typeof tokenFace>[0], "identify" | "allows">,
): Face {
  return tokenFace({ ...parts, tokens, service, secretOf: (user) => users.passwords.get(user) });
}

function isUser({ passwords, robots }: UserStore, name: string): boolean {
  return passwords.has(name) || robots.has(name);
}

function readAgain(users: UserStore, report: Report): void {
  try {
    users.reload();
    report({ type: "message", level: "info", text: "users read again" });
  } catch (error) {
    report({ type: "message", level: "error", text: "users not changed", error });
  }
}
