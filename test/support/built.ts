import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { chmod, glob, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { bundleProgram, warmUp } from "../../scripts/bundle-program.ts";
import { tempFolder } from "./temp.ts";

const root = join(import.meta.dirname, "../..");
const shelf = join(root, "node_modules/.cache/amphora-test");
/** All that goes into a build; what comes from packages is told by the lock file. */
const sources = "{package.json,package-lock.json,{src,policy,sigstore,scripts}/**/*.{ts,css,html}}";
const dayMs = 86_400_000;

let built: Promise<string> | undefined;

/**
 * The main file of the program as it is shipped, bundled with its code cache of what is in the tree now: starts ten times
 * faster than from its sources. All files of tests share it, so leave it as it is; {@link buildProgram} makes another.
 */
export function builtProgram(): Promise<string> {
  built ??= onShelf();
  return built;
}

/** A build of one's own. */
export interface BuiltProgram extends AsyncDisposable {
  readonly main: string;
}

/** Builds as `scripts/build.ts` does, for a test that changes what was built. */
export async function buildProgram(): Promise<BuiltProgram> {
  const folder = await tempFolder();
  await buildInto(folder.in("dist"));
  return {
    main: folder.in("dist", "main.cjs"),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function buildInto(folder: string): Promise<void> {
  await bundleProgram(folder);
  warmUp(folder);
}

async function onShelf(): Promise<string> {
  const folder = join(shelf, await sourcesHash());
  const main = join(folder, "main.cjs");
  if (existsSync(main)) return main;
  await mkdir(shelf, { recursive: true });
  await removeOldest();
  const unfinished = await mkdtemp(join(shelf, "unfinished-"));
  await buildInto(unfinished);
  await chmod(unfinished, 0o755); // other users run it too
  try {
    await rename(unfinished, folder);
  } catch (error) {
    // Another process was faster, with the same sources.
    await rm(unfinished, { recursive: true });
    if (!existsSync(main)) throw error;
  }
  return main;
}

async function sourcesHash(): Promise<string> {
  const paths = await Array.fromAsync(glob(sources, { cwd: root }));
  const hash = createHash("sha256").update(`${process.version} ${process.arch}`);
  for (const path of paths.sort())
    hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  return hash.digest("hex").slice(0, 20);
}

async function removeOldest(): Promise<void> {
  for (const name of await readdir(shelf)) {
    const path = join(shelf, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > dayMs) await rm(path, { recursive: true, force: true });
  }
}
