import { createHash } from "node:crypto";
import { glob, readFile, stat } from "node:fs/promises";
import { run } from "../../support/run.ts";
import type { Case } from "./case.ts";
import { makeWorld, type World } from "./world.ts";

/** A program to put to the test: what to start, with what before the arguments. */
export interface Program {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a program did, with everything taken out that differs from run to run. */
export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of the paths a case looks at: files with the hash of their content, sorted. */
  readonly files: readonly string[];
}

/** Runs a case in a world of its own. */
export async function outcomeOf(program: Program, one: Case): Promise<Outcome> {
  await using world = await makeWorld();
  await one.furnish?.(world);
  for (const step of one.before?.(world) ?? []) await runIn(world, program, step);
  await one.prepare?.(world);
  const result = await runIn(world, program, one.args(world), one);
  const inOrder = one.anyOrder ? linesSorted : (text: string) => text;
  return {
    exitCode: result.exitCode,
    stdout: inOrder(blobLinesSorted(normalised(result.stdout, world))),
    stderr: inOrder(normalised(result.stderr, world)),
    files: await filesOf(world, one.files ?? []),
  };
}

function runIn(
  world: World,
  program: Program,
  args: readonly string[],
  { input, env }: Pick<Case, "input" | "env"> = {},
) {
  return run(program.path, [...(program.args ?? []), ...args], {
    cwd: world.in(),
    env: { ...world.env, ...env, ...program.env },
    ...(input !== undefined && { input }),
  });
}

function normalised(text: string, world: World): string {
  return text
    .replaceAll(world.folder.path, "FOLDER")
    .replaceAll(world.registry.host, "REGISTRY")
    .replaceAll(world.guarded.host, "GUARDED")
    .replaceAll(/time="[^"]*"/g, 'time="T"')
    .replaceAll(/127\.0\.0\.1:\d+->/g, "127.0.0.1:PORT->")
    .replaceAll(/uploads\/[0-9a-f-]{36}\?_state=\d+/g, "uploads/ID")
    .replaceAll(/"(?:signature|kid|x|y)": *"[^"]*"/g, '"key": "…"')
    .replaceAll(/"issued_at":"[^"]*"/g, '"issued_at":"T"')
    .replaceAll(/oci-put-blob\d+/g, "NUMBER");
}

function linesSorted(text: string): string {
  return text
    .split(/(?<=\n)/)
    .sort()
    .join("");
}

/** Blobs are copied side by side, so the order of their lines is chance. */
function blobLinesSorted(text: string): string {
  return text.replaceAll(/(?:^Copying blob .*\n)+/gm, (lines) =>
    lines
      .split(/(?<=\n)/)
      .sort()
      .join(""),
  );
}

async function filesOf(world: World, paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    for await (const name of glob([path, `${path}/**`], { cwd: world.in() })) {
      found.push(await fileLine(world, name));
    }
  }
  return [...new Set(found)].sort();
}

async function fileLine(world: World, path: string): Promise<string> {
  const info = await stat(world.in(path));
  const mode = (info.mode & 0o777).toString(8);
  const name = normalised(path, world);
  if (info.isDirectory()) return `${name}/ ${mode}`;
  const content = await readFile(world.in(path));
  // What a program writes about registries has their ports in it; blobs are left as they are.
  const isJson = content[0] === 0x7b && !/(^|\/)[0-9a-f]{64}$/.test(name);
  const isText = isJson || name === "digests";
  const bytes = isText ? Buffer.from(normalised(content.toString(), world)) : content;
  return `${name} ${mode} ${createHash("sha256").update(bytes).digest("hex")}`;
}
