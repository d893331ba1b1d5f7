import { userInfo } from "node:os";
import type { Environment } from "../../config/environment.ts";
import { loadEnvironment } from "../../config/load-environment.ts";
import { loadSubordinateIds, type SubordinateIds } from "../../config/load-subordinate-ids.ts";
import { type IdOwner, mapIds } from "../../config/subordinate-ids.ts";
import { KnownError } from "../../core/errors.ts";
import type { Log } from "../log.ts";
import type { ProgramName } from "../specs/spec.ts";
import { makeNamespace } from "./make-namespace.ts";
import type { NamespaceNeed } from "./namespace-need.ts";
import { startAgain } from "./start-again.ts";
import { findTool } from "./tools.ts";

/** A run that is to go on in a user namespace. */
export interface NamespaceRequest {
  readonly program: ProgramName;
  readonly need: NonNullable<NamespaceNeed>;
  readonly log: Log;
}

/**
 * Goes on with this run, in this process, from its beginning, in a user namespace where the user is root and has the numbers that
 * are set aside for him — spec 17. Comes back only where that cannot be, and the command can do without.
 *
 * @throws {CliError} `cli.no-user-namespace`, saying what is missing
 */
export async function enterNamespace(request: NamespaceRequest): Promise<void> {
  const { log, need, program } = request;
  const environment = loadEnvironment();
  const owner: IdOwner = { name: userName(), uid: environment.uid };
  try {
    const nsenter = findTool("nsenter");
    const ids = await rangesFor(request, environment, owner);
    const maps = {
      users: mapIds(environment.uid, ids.users),
      groups: mapIds(process.getgid?.() ?? environment.uid, ids.groups),
    };
    const holder = await makeNamespace(maps);
    log.debug(`going on in a user namespace, with the map ${JSON.stringify(maps)}`);
    await startAgain({ nsenter, holder, program, environment });
  } catch (error) {
    if (need === "must" || !(error instanceof KnownError)) throw error;
    if (need === "may") log.debug(error.message);
    else log.warning(`${error.message}; all files will belong to you`);
  }
}

/** Both kinds, or none: then the user is alone in there, which is enough for layers in which root owns all. */
async function rangesFor(
  { need, program, log }: NamespaceRequest,
  environment: Environment,
  owner: IdOwner,
): Promise<SubordinateIds> {
  const found = await loadSubordinateIds(environment, owner);
  if (found.users.length > 0 && found.groups.length > 0) return found;
  const shown = owner.name ?? String(owner.uid);
  if (program === "skopeo") warnAsSkopeo(log, shown, found);
  else if (need !== "may") log.warning(lacksRanges(found, shown, need === "should"));
  return { users: [], groups: [] };
}

function lacksRanges({ users, groups }: SubordinateIds, owner: string, isMine: boolean): string {
  const files = [
    ...(users.length === 0 ? ["/etc/subuid"] : []),
    ...(groups.length === 0 ? ["/etc/subgid"] : []),
  ];
  const effect = isMine ? "all files will belong to you" : "only files of root can be stored";
  return `no range in ${files.join(" and ")} for user ${owner}: ${effect}`;
}

function warnAsSkopeo(log: Log, owner: string, { users }: SubordinateIds): void {
  const [ids, whose] = users.length === 0 ? ["subuid", "user"] : ["subgid", "group"];
  log.warning(
    `Reading allowed ID mappings: reading subuid mappings for user "${owner}" and subgid mappings for group "${owner}": no ${ids} ranges found for ${whose} "${owner}" in /etc/${ids}`,
  );
  log.warning(`Found no UID ranges set aside for user "${owner}" in /etc/subuid.`);
  log.warning(`Found no GID ranges set aside for user "${owner}" in /etc/subgid.`);
}

/** Nothing for a number that passwd does not know. */
function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
