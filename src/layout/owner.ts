import { randomBytes } from "node:crypto";
import { readFile, readlink } from "node:fs/promises";
import { errnoOf, unless } from "./errors.ts";

/**
 * Who made an unfinished file, as part of its name, so that it can be told later whether its maker still lives:
 *
 *     boot "-" namespace "-" pid "-" start "-" nonce
 *
 * `boot` and `namespace` say where `pid` means anything; `start`, in clock ticks since boot, tells a process from a
 * later one of the same number; `nonce` tells apart what one process makes.
 */
const ownerPattern = /^([0-9a-f]{8})-(\d+)-(\d+)-(\d+)-[0-9a-f]{12}$/;

/** The running process, as far as others can find out whether it lives. */
export interface OwnProcess {
  readonly boot: string;
  readonly namespace: string;
  readonly pid: number;
  readonly start: string;
}

/** Reads who we are from /proc. Where there is none, nobody will ever take us for dead before our files are old. */
export async function identifyProcess(): Promise<OwnProcess> {
  const [boot, namespace, stat] = await Promise.all([
    textOf("/proc/sys/kernel/random/boot_id"),
    unless(["ENOENT", "EACCES", "EPERM"], () => readlink("/proc/self/ns/pid")),
    textOf("/proc/self/stat"),
  ]);
  return {
    boot: boot === undefined ? "00000000" : boot.slice(0, 8),
    namespace: namespace?.match(/\d+/)?.[0] ?? "0",
    pid: process.pid,
    start: stat === undefined ? "0" : startOf(stat),
  };
}

/** A name that no other process, and no other call, gives. */
export function newOwner(self: OwnProcess): string {
  const nonce = randomBytes(6).toString("hex");
  return `${self.boot}-${self.namespace}-${self.pid}-${self.start}-${nonce}`;
}

/** True for what {@link newOwner} gives, in any process. */
export function isOwner(name: string): boolean {
  return ownerPattern.test(name);
}

/** Whether the maker of something lives. "unknown": it ran elsewhere, under another boot, host or pid namespace. */
export async function lifeOf(
  owner: string,
  self: OwnProcess,
): Promise<"alive" | "dead" | "unknown"> {
  const [, boot, namespace, pid, start] = ownerPattern.exec(owner) ?? [];
  if (self.start === "0" || boot !== self.boot || namespace !== self.namespace) return "unknown";
  if (!exists(Number(pid))) return "dead";
  const stat = await textOf(`/proc/${pid}/stat`);
  if (stat === undefined) return "alive"; // hidden from us (hidepid)
  return startOf(stat) !== start || /^[ZX]$/.test(stateOf(stat)) ? "dead" : "alive";
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) !== "ESRCH"; // EPERM: it is somebody else's
  }
}

/** proc(5) § /proc/pid/stat: field 2 is the command in parentheses, and may itself hold any character. */
function fieldsOf(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function stateOf(stat: string): string {
  return fieldsOf(stat)[0] ?? "";
}

function startOf(stat: string): string {
  return fieldsOf(stat)[19] ?? "0";
}

function textOf(path: string): Promise<string | undefined> {
  return unless(["ENOENT", "EACCES", "EPERM", "ESRCH"], () => readFile(path, "utf8"));
}
