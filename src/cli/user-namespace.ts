import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { constants, userInfo } from "node:os";
import type { Duplex } from "node:stream";
import { promisify } from "node:util";
import { type IdRange, loadSubordinateIds } from "../config/load-subordinate-ids.ts";
import { CliError } from "./errors.ts";
import type { ProgramName } from "./specs/spec.ts";

/** Who we are outside. */
interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Waits until it is mapped, then becomes this program. In a namespace that nobody mapped it would lose all rights by starting
 * it.
 */
const waiter = 'echo >&4; read -r _ <&3 || exit 125; exec 3<&- 4>&-; exec "$0" "$@"';

/**
 * Runs this program once more, as root of a user namespace in which the user's subordinate numbers are the other users: what
 * podman and buildah do, with the same numbers, so that one store serves all. Node itself cannot go there, as it has threads.
 * Gives the exit code.
 *
 * @throws {CliError} `cli.no-user-namespace`
 */
export async function runInUserNamespace(program: ProgramName): Promise<number> {
  const user = currentUser();
  const child = spawn("unshare", ["--user", "/bin/sh", "-c", waiter, ...ownCommand()], {
    stdio: ["inherit", "inherit", "inherit", "pipe", "pipe"],
    env: { ...process.env, ...markers(user), AMPHORA_CALLED_AS: program },
  });
  const ended = endOf(child);
  using _forwarding = forwardSignals(child);
  const isReady = await isWaiting(child, ended);
  if (isReady) await release(child, user);
  const code = await ended;
  if (isReady && typeof code === "number") return code;
  throw unavailable(code instanceof Error ? code.message : "unshare failed", code);
}

/** Containers run as numbers that have no name. */
function currentUser(): User {
  const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()];
  try {
    return { name: userInfo().username, uid, gid };
  } catch {
    return { name: "", uid, gid };
  }
}

function ownCommand(): readonly string[] {
  return [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
}

/** By these, the engines and we know that we are there, and whose store it is. */
function markers({ uid, gid }: User) {
  return {
    _CONTAINERS_USERNS_CONFIGURED: "done",
    _CONTAINERS_ROOTLESS_UID: String(uid),
    _CONTAINERS_ROOTLESS_GID: String(gid),
  };
}

/** False where it ended before it came to wait; it has told why. */
async function isWaiting(child: ChildProcess, ended: Promise<unknown>): Promise<boolean> {
  const ready = once(child.stdio[4] as Duplex, "data").then(() => true);
  return await Promise.race([ready, ended.then(() => false)]);
}

async function release(child: ChildProcess, user: User): Promise<void> {
  const gate = child.stdio[3] as Duplex;
  try {
    await mapUsers(child.pid ?? 0, user);
    gate.end("\n");
  } catch (error) {
    gate.end();
    throw unavailable(error instanceof Error ? error.message.trim() : String(error), error);
  }
}

/** With no subordinate numbers there is only the user himself, as root: enough for layers in which root owns all. */
async function mapUsers(pid: number, user: User): Promise<void> {
  const uids = await loadSubordinateIds("/etc/subuid", user);
  const gids = await loadSubordinateIds("/etc/subgid", user);
  if (uids.length > 0 && gids.length > 0) {
    await run("newuidmap", [String(pid), ...mapping(user.uid, uids)]);
    await run("newgidmap", [String(pid), ...mapping(user.gid, gids)]);
    return;
  }
  await writeFile(`/proc/${pid}/setgroups`, "deny");
  await writeFile(`/proc/${pid}/uid_map`, `0 ${user.uid} 1`);
  await writeFile(`/proc/${pid}/gid_map`, `0 ${user.gid} 1`);
}

const run = promisify(execFile);

/** The user is root; from 1 on, the ranges follow one another. */
function mapping(own: number, ranges: readonly IdRange[]): readonly string[] {
  const numbers = [0, own, 1];
  let next = 1;
  for (const { first, count } of ranges) {
    numbers.push(next, first, count);
    next += count;
  }
  return numbers.map(String);
}

/** The exit code, as shells tell it of a program that was killed; or why there was none to run. */
function endOf(child: ChildProcess): Promise<number | Error> {
  return new Promise((resolve) => {
    child.on("error", resolve);
    child.on("exit", (code, signal) =>
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)),
    );
  });
}

/** What a terminal sends goes to both of us anyway. */
function forwardSignals(child: ChildProcess): Disposable {
  const forward = (signal: NodeJS.Signals) => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, forward);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, forward);
    },
  };
}

function unavailable(reason: string, cause: unknown): CliError {
  return new CliError("cli.no-user-namespace", `cannot set up a user namespace: ${reason}`, {
    cause,
    hint: "Install uidmap and util-linux, and give the user a line in /etc/subuid and /etc/subgid.",
  });
}
