import { lstat, readlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UsageError } from "../core/errors.ts";
import { absolutePath } from "../core/working-folder.ts";
import { errnoOf, fileError, unless } from "./errors.ts";

const mostLinks = 255;

/**
 * `path` made absolute and free of links, as policies name it. All of it must be there but for the last part.
 *
 * @throws {UsageError} `usage.bad-reference`, in Go's words
 */
export async function explicitPath(path: string): Promise<string> {
  const given = path.startsWith("///") ? path.slice(2) : path;
  if (given.startsWith("/proc/")) return given; // may be a pipe of ours: not to be looked through
  try {
    const there = await unless(["ENOENT"], () => lstat(given));
    if (there) return await withoutLinks(absolutePath(given));
  } catch (error) {
    throw told(`faccessat ${given}`, error);
  }
  const slash = given.lastIndexOf("/");
  return join(await withoutLinks(absolutePath(given.slice(0, slash + 1))), given.slice(slash + 1));
}

async function withoutLinks(path: string): Promise<string> {
  let done = "/";
  let links = 0;
  const left = path.split("/").filter((part) => part !== "");
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    const next = join(done, part);
    const target = await linkTarget(next, left.length === 0);
    if (target === undefined) {
      done = next;
      continue;
    }
    if (++links > mostLinks) {
      throw new UsageError("usage.bad-reference", "EvalSymlinks: too many links");
    }
    done = target.startsWith("/") ? "/" : done;
    left.unshift(...target.split("/").filter((each) => each !== "" && each !== "."));
  }
  return done;
}

/** Where the link at `path` leads; undefined where it is no link. */
async function linkTarget(path: string, isLast: boolean): Promise<string | undefined> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) return await readlink(path);
    if (found.isDirectory() || isLast) return undefined;
  } catch (error) {
    throw told(`lstat ${path}`, error);
  }
  throw new UsageError("usage.bad-reference", "not a directory");
}

function told(operation: string, error: unknown): unknown {
  if (errnoOf(error) === undefined) return error;
  const failure = fileError("layout.unreadable", operation, error);
  return new UsageError(
    "usage.bad-reference",
    failure instanceof Error ? failure.message : operation,
    { cause: error },
  );
}

/** The folders above `path`, the nearest first, without the root. */
export function parentsOf(path: string): readonly string[] {
  const parents: string[] = [];
  for (let parent = dirname(path); parent !== "/" && parent !== "."; parent = dirname(parent)) {
    parents.push(parent);
  }
  return parents;
}
