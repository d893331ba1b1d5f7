import { readFileSync } from "node:fs";
import { fileErrorText } from "../../config/load-file.ts";
import { ServerError } from "../errors.ts";
import type { Groups } from "./rules.ts";

/** Password hashes by user. */
export type Passwords = ReadonlyMap<string, string>;

/** Costs above are a day's work for every login. */
const maxCost = 16;

/**
 * Reads what `htpasswd -B` writes: `user:hash` lines, comments and empty lines.
 *
 * @throws {ServerError} `server.bad-file` naming the line: other hashes than bcrypt's are no protection
 */
export function parsePasswords(text: string, file: string): Passwords {
  const passwords = new Map<string, string>();
  for (const [index, line] of linesOf(text)) {
    const colon = line.indexOf(":");
    const user = line.slice(0, Math.max(colon, 0));
    const hash = line.slice(colon + 1);
    const bad = (what: string) => badLine(file, index, what);
    if (user === "" || /^[@*]|^anonymous$|[\s/,"\\]/.test(user)) throw bad("USER:HASH");
    if (passwords.has(user)) throw bad(`every user once, found ${user} twice`);
    const cost = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1];
    if (cost === undefined) throw bad("a bcrypt hash, as htpasswd -B writes it");
    if (Number(cost) > maxCost) throw bad(`a cost of at most ${maxCost}`);
    passwords.set(user, hash);
  }
  return passwords;
}

/**
 * Reads lines of `group: user user …`; a group may have several.
 *
 * @throws {ServerError} `server.bad-file` naming the line
 */
export function parseGroups(text: string, file: string): Groups {
  const groups = new Map<string, Set<string>>();
  for (const [index, line] of linesOf(text)) {
    const [, name, users] = /^([^\s:@]+):(.*)$/.exec(line) ?? [];
    if (name === undefined || users === undefined) throw badLine(file, index, "GROUP: USER USER…");
    const members = groups.get(name) ?? new Set();
    groups.set(name, members);
    for (const user of users.split(/\s+/)) if (user !== "") members.add(user);
  }
  return groups;
}

/** @throws {ServerError} `server.bad-file` */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ServerError("server.bad-file", fileErrorText(error, "open", file), { cause: error });
  }
}

function linesOf(text: string): readonly (readonly [number, string])[] {
  return text
    .split(/\r?\n/)
    .map((line, index) => [index + 1, line] as const)
    .filter(([, line]) => line.trim() !== "" && !line.startsWith("#"));
}

function badLine(file: string, line: number, expected: string): ServerError {
  return new ServerError("server.bad-file", `${file}:${line}: expected ${expected}`);
}
