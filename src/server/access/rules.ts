import { BlockList, isIPv6 } from "node:net";
import { parseRepositoryPattern } from "../../core/repository-pattern.ts";
import type { Action } from "../access.ts";
import type { KnownCaller } from "./known-caller.ts";
import type { AccessSettings } from "./settings.ts";

type SetAction = AccessSettings["anonymous"][number];

/** Whether the rules let somebody do something; tokens are not looked at. */
export type Rules = (caller: KnownCaller, repository: string, action: Action) => boolean;

interface Rule {
  fits(caller: KnownCaller): boolean;
  covers(repository: string): boolean;
  readonly actions: ReadonlySet<SetAction>;
}

/** Members of groups, by group. */
export type Groups = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Makes the rules of a configuration: what none of them grants is not granted. A pattern speaks of repositories' paths as
 * clients write them; the server itself ("") is in `**` alone.
 *
 * @throws {RepositoryPatternError}
 */
export function makeRules(settings: AccessSettings, groups: () => Groups): Rules {
  const set = settings.rules ?? [{ users: ["*"], repositories: ["**"], actions: usual }];
  const rules = set.map((rule) => makeRule(rule, groups));
  if (settings.anonymous.length > 0)
    rules.push(
      makeRule({ users: ["anonymous"], repositories: ["**"], actions: settings.anonymous }, groups),
    );
  return (caller, repository, action) =>
    rules.some(
      (rule) => gives(rule.actions, action) && rule.fits(caller) && rule.covers(repository),
    );
}

/** Whether the rules give anything to nobody in particular, wherever from. */
export function hasAnonymousRights(settings: AccessSettings): boolean {
  const rules = settings.rules ?? [];
  return (
    settings.anonymous.length > 0 ||
    rules.some(({ users = ["anonymous"] }) => users.includes("anonymous"))
  );
}

const usual: readonly SetAction[] = ["pull", "push", "overwrite", "delete", "sign"];

function makeRule(
  rule: {
    readonly users?: readonly string[] | undefined;
    readonly addresses?: readonly string[] | undefined;
    readonly repositories: readonly string[];
    readonly actions: readonly SetAction[];
  },
  groups: () => Groups,
): Rule {
  const patterns = rule.repositories.map(parseRepositoryPattern);
  const networks = rule.addresses && networksOf(rule.addresses);
  const users = rule.users ?? ["anonymous"];
  return {
    actions: new Set(rule.actions),
    fits: ({ user, address }) =>
      (networks === undefined || isIn(networks, address)) &&
      users.some((name) => isMeant(name, user, groups)),
    covers: (repository) =>
      repository === ""
        ? patterns.some(({ text }) => text === "**")
        : patterns.some((pattern) => pattern.matches(repository)),
  };
}

/** Who may move a tag may make one; who may see to all jobs may have some. */
function gives(actions: ReadonlySet<SetAction>, action: Action): boolean {
  if (actions.has(action) || actions.has("*")) return true;
  const wider = action === "push" ? "overwrite" : action === "jobs" ? "admin" : undefined;
  return wider !== undefined && actions.has(wider);
}

/** `anonymous` is everybody: who says who he is has no fewer rights for it. */
function isMeant(name: string, user: string | undefined, groups: () => Groups): boolean {
  if (name === "anonymous") return true;
  if (user === undefined) return false;
  if (name === "*") return true;
  return name.startsWith("@") ? groups().get(name.slice(1))?.has(user) === true : name === user;
}

function networksOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of addresses) {
    const [address = "", bits] = text.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function isIn(list: BlockList, address: string): boolean {
  if (address === "local") return false;
  return list.check(address.replace(/%.*$/, ""), isIPv6(address) ? "ipv6" : "ipv4");
}
