import { randomUUID } from "node:crypto";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileErrorText, readIfThere } from "../../config/load-file.ts";
import { CliError } from "../errors.ts";
import { mark, type SetupFile } from "./client-setup.ts";

/** Where and how files are written. */
export interface WriteOptions {
  /** What the files' paths are below; "/" for the machine itself. */
  readonly root: string;
  /** Replace what others wrote. */
  readonly force: boolean;
}

/** What became of one file. */
export interface WrittenFile {
  readonly path: string;
  readonly done: "wrote" | "replaced" | "unchanged";
}

/**
 * Writes the files, each whole or not at all, and none of them where one is somebody else's.
 *
 * @throws {CliError} `cli.exists` where a file holds what we did not write, unless `force`; `cli.unwritable`
 */
export async function writeSetup(
  files: readonly SetupFile[],
  { root, force }: WriteOptions,
): Promise<readonly WrittenFile[]> {
  const plans = files.map(({ path, text }) => plan(join(root, path), text));
  const foreign = plans.filter((each) => each.isForeign).map(({ path }) => path);
  if (foreign.length > 0 && !force)
    throw new CliError("cli.exists", `Refusing to overwrite ${foreign.join(", ")}`, {
      hint: "Add by hand what is printed without --write, or pass --force to replace what is there",
    });
  for (const { path, text, done } of plans) {
    if (done !== "unchanged") await replace(path, text);
  }
  return plans;
}

interface Plan extends WrittenFile {
  readonly text: string;
  readonly isForeign: boolean;
}

function plan(path: string, text: string): Plan {
  const there = readIfThere(path)?.toString();
  if (there === undefined) return { path, text, done: "wrote", isForeign: false };
  if (there === text) return { path, text, done: "unchanged", isForeign: false };
  return { path, text, done: "replaced", isForeign: !there.startsWith(mark) };
}

/** For everybody to read, whatever the umask: podman fails for users who cannot read its configuration. */
async function replace(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await makeFolder(dirname(path));
    await writeFile(aside, text, { flag: "wx", flush: true });
    await chmod(aside, 0o644);
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw new CliError("cli.unwritable", fileErrorText(error, "write", path), { cause: error });
  }
}

async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}
