import { accessSync } from "node:fs";
import { join } from "node:path";
import {
  type ConsideredFile,
  type Environment,
  systemContainersDirectory,
  userContainersDirectory,
} from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { readFile } from "./load-file.ts";

/** The trust policy as found: reading it is policy's affair. */
export interface PolicyFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The policy file's path (signing.md 1.1), and what was looked at on the way. There is no merging, and a file that is
 * there but cannot be used has no stand-in.
 *
 * @param explicit `--policy`
 * @throws {ConfigError} `config.not-found` where there is none
 */
export function findPolicyFile(
  environment: Environment,
  explicit?: string,
): { readonly path: string; readonly files: readonly ConsideredFile[] } {
  const user = join(userContainersDirectory(environment), "policy.json");
  const system = join(systemContainersDirectory(environment), "policy.json");
  if (explicit) {
    const reason = `${explicit} is used instead`;
    return {
      path: explicit,
      files: [
        { path: explicit, outcome: "read" },
        { path: user, outcome: "skipped", reason },
        { path: system, outcome: "skipped", reason },
      ],
    };
  }
  if (isThere(user))
    return {
      path: user,
      files: [
        { path: user, outcome: "read" },
        { path: system, outcome: "skipped", reason: `${user} is there` },
      ],
    };
  if (isThere(system))
    return {
      path: system,
      files: [
        { path: user, outcome: "absent" },
        { path: system, outcome: "read" },
      ],
    };
  throw new ConfigError(
    "config.not-found",
    `no policy.json file found at any of the following: ${JSON.stringify(user)}, ${JSON.stringify(system)}`,
    { hint: "Write a first policy with `amphora trust init`, or name one with --policy" },
  );
}

/** @throws {ConfigError} `config.not-found` or `config.unreadable` */
export function loadPolicyFile(environment: Environment, explicit?: string): PolicyFile {
  const { path } = findPolicyFile(environment, explicit);
  return { path, bytes: readFile(path) };
}

function isThere(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
