import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import type { IdMapping } from "../../config/subordinate-ids.ts";
import { findTool } from "./tools.ts";
import { refusedByKernel, refusedMap } from "./why-not.ts";

/** Who is who in a user namespace. */
export interface NamespaceMaps {
  readonly users: readonly IdMapping[];
  readonly groups: readonly IdMapping[];
}

/** Says its number from within the new namespace, and lets go of all it has been given. */
const hold = `"$0" -U /bin/sh -c 'echo $$; exec sleep 300 >&- 2>&-' &`;

/**
 * Makes a user namespace with these maps. It is there as long as the process whose number is given: one of nobody's children,
 * which ends by itself in five minutes, and is to be killed as soon as somebody else is in the namespace.
 *
 * @throws {CliError} `cli.no-user-namespace`, saying what is missing
 */
export async function makeNamespace({ users, groups }: NamespaceMaps): Promise<number> {
  const holder = await startHolder(findTool("unshare"));
  try {
    if (users.length > 1 || groups.length > 1) {
      await runMapper("newgidmap", holder, groups);
      await runMapper("newuidmap", holder, users);
    } else mapAlone(holder, { users, groups });
  } catch (error) {
    process.kill(holder);
    throw error;
  }
  return holder;
}

async function startHolder(unshare: string): Promise<number> {
  try {
    const { stdout, stderr } = await promisify(execFile)("/bin/sh", ["-c", hold, unshare]);
    const holder = Number(stdout.trim());
    if (Number.isInteger(holder) && holder > 1) return holder;
    throw refusedByKernel(firstLine(stderr));
  } catch (error) {
    throw saidBy(error) === undefined ? error : refusedByKernel(saidBy(error) ?? "");
  }
}

async function runMapper(
  name: "newuidmap" | "newgidmap",
  holder: number,
  map: readonly IdMapping[],
): Promise<void> {
  const path = findTool(name);
  const numbers = map.flatMap(({ inside, outside, length }) => [inside, outside, length]);
  try {
    await promisify(execFile)(path, [holder, ...numbers].map(String));
  } catch (error) {
    const said = saidBy(error);
    throw said === undefined ? error : refusedMap(name, path, said);
  }
}

/** One's own number only: nobody's help is needed, and no group can be given up. */
function mapAlone(holder: number, { users, groups }: NamespaceMaps): void {
  writeFileSync(`/proc/${holder}/setgroups`, "deny");
  writeFileSync(`/proc/${holder}/gid_map`, textOf(groups));
  writeFileSync(`/proc/${holder}/uid_map`, textOf(users));
}

function textOf(map: readonly IdMapping[]): string {
  return map.map(({ inside, outside, length }) => `${inside} ${outside} ${length}\n`).join("");
}

/** What a program that failed has said. */
function saidBy(error: unknown): string | undefined {
  if (!(error instanceof Error && "stderr" in error)) return undefined;
  return typeof error.stderr === "string" ? firstLine(error.stderr) : "";
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
