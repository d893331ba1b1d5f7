import { libc, succeeded } from "./libc.ts";

/** The same on every architecture. */
const numbers = { createRuleset: 444, addRule: 445, restrictSelf: 446 } as const;

const syscall = libc.func("int64_t syscall(int64_t, void *, int64_t, int64_t, int64_t)");
const syscallRule = libc.func("int64_t syscall(int64_t, int64_t, int64_t, void *, int64_t)");
const prctl = libc.func("int prctl(int, int64_t, int64_t, int64_t, int64_t)");
const close = libc.func("int close(int)");

const access = {
  execute: 1 << 0,
  writeFile: 1 << 1,
  readFile: 1 << 2,
  readDir: 1 << 3,
  removeDir: 1 << 4,
  removeFile: 1 << 5,
  makeAny: 0x7f << 6,
  refer: 1 << 13,
  truncate: 1 << 14,
  ioctlDevice: 1 << 15,
} as const;

/** All that is done to a tree that is being filled: everything but running, and talking to, what is in it. */
const fill =
  access.writeFile |
  access.readFile |
  access.readDir |
  access.removeDir |
  access.removeFile |
  access.makeAny |
  access.refer |
  access.truncate;

/** Kernels before 5.19 forbid every hard link from one folder into another. */
const leastVersion = 2;

/** The version of Landlock that the kernel offers; 0 where it has none. */
export function landlockVersion(): number {
  return Math.max(0, Number(syscall(numbers.createRuleset, null, 0, 1, 0)));
}

/**
 * Takes from the calling thread, for good, all access to files but to what lies in the given open folders, all TCP, and all
 * signals and abstract sockets of others. Descriptors that are open stay usable. Threads that it starts inherit this, others do
 * not have it: a thread of libuv's pool must not be started by it, and does not obey it.
 *
 * @returns false where the kernel has no Landlock, or one too old: nothing is confined then
 * @throws {SystemCallError}
 */
export function confineTo(folders: readonly number[]): boolean {
  const version = landlockVersion();
  if (version < leastVersion) return false;
  const ruleset = createRuleset(version);
  try {
    const allowed = fill & handledBy(version);
    for (const folder of folders) allow(ruleset, folder, allowed);
    const noNewPrivileges = 38;
    succeeded(prctl(noNewPrivileges, 1, 0, 0, 0), "prctl", "PR_SET_NO_NEW_PRIVS");
    restrict(ruleset);
  } finally {
    close(ruleset);
  }
  return true;
}

/** Rights to files that a version knows. */
function handledBy(version: number): number {
  const [truncate, ioctl] = [version >= 3, version >= 5];
  return 0x3fff | (truncate ? access.truncate : 0) | (ioctl ? access.ioctlDevice : 0);
}

/** `struct landlock_ruleset_attr`: three u64, of which a version knows the first ones. */
function createRuleset(version: number): number {
  const attributes = Buffer.alloc(version >= 6 ? 24 : version >= 4 ? 16 : 8);
  attributes.writeBigUInt64LE(BigInt(handledBy(version)), 0);
  if (version >= 4) attributes.writeBigUInt64LE(3n, 8);
  if (version >= 6) attributes.writeBigUInt64LE(3n, 16);
  const fd = syscall(numbers.createRuleset, attributes, attributes.byteLength, 0, 0);
  return succeeded(Number(fd), "landlock_create_ruleset", "");
}

/** `struct landlock_path_beneath_attr`, packed. */
function allow(ruleset: number, folder: number, rights: number): void {
  const rule = Buffer.alloc(12);
  rule.writeBigUInt64LE(BigInt(rights), 0);
  rule.writeInt32LE(folder, 8);
  const pathBeneath = 1;
  const result = syscallRule(numbers.addRule, ruleset, pathBeneath, rule, 0);
  succeeded(Number(result), "landlock_add_rule", "");
}

function restrict(ruleset: number): void {
  const result = syscallRule(numbers.restrictSelf, ruleset, 0, null, 0);
  succeeded(Number(result), "landlock_restrict_self", "");
}
