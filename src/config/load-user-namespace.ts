import { readFileSync } from "node:fs";
import { type Environment, variable } from "./environment.ts";

/** Whether owners are mapped, devices cannot be made, and overlayfs keeps its attributes under `user.` (spec 17). */
export function isInUserNamespace(environment: Environment): boolean {
  return (
    environment.uid !== 0 ||
    variable(environment, "_CONTAINERS_USERNS_CONFIGURED") !== undefined ||
    !hasSystemAdministration() ||
    !coversAllUsers()
  );
}

const capSysAdmin = 21n;

function hasSystemAdministration(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(textOf("/proc/self/status"))?.[1];
  return effective === undefined || ((BigInt(`0x${effective}`) >> capSysAdmin) & 1n) === 1n;
}

function coversAllUsers(): boolean {
  const lines = textOf("/proc/self/uid_map").trim().split("\n").filter(Boolean);
  const covered = lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2]), 0);
  return lines.length === 0 || covered === 2 ** 32 - 1;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
