import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir } from "node:fs/promises";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { KnownError } from "../../src/core/errors.ts";
import type { Transport } from "../../src/transport/contract/transport.ts";
import { createDirTransport } from "../../src/transport/dir/transport.ts";
import { createOciTransport } from "../../src/transport/oci/transport.ts";
import { bundleScript } from "../support/bundled-script.ts";
import { makeImage } from "../support/images.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";
import { readFrom, writeTo } from "./small-copy.ts";

const soak = process.env["AMPHORA_SOAK"] === "1";
const program = await bundleScript(new URL("writing-process.ts", import.meta.url));
after(() => program[Symbol.asyncDispose]());
const image = (seed: number) => makeImage({ seed, type: "oci", layers: 2, layerBytes: 100_000 });

interface Kind {
  readonly name: "oci" | "dir";
  readonly before: "nothing" | "empty folder" | "image";
  readonly transport: Transport;
  /** Of the folder. */
  readonly text: (folder: string) => string;
}

const kinds: readonly Kind[] = (["nothing", "empty folder", "image"] as const).flatMap((before) => [
  {
    name: "oci" as const,
    before,
    transport: createOciTransport(),
    text: (folder: string) => `${folder}:name`,
  },
  {
    name: "dir" as const,
    before,
    transport: createDirTransport(),
    text: (folder: string) => folder,
  },
]);

for (const kind of kinds) {
  const { name, before, transport } = kind;

  test(`${name}: over ${before}: killed at any step, nothing is unreadable and the next run succeeds`, async () => {
    await using folder = await tempFolder();
    await prepare(kind, folder.in("start"));
    const steps = await writeInProcess(kind, folder.in("counted"), folder);
    assert.ok(steps > 10);
    for (let step = 0; step < steps; step += soak ? 1 : 7) {
      const target = folder.in(`at-${step}`);
      await writeInProcess(kind, target, folder, step);
      await assertOldOrNew(kind, target);
      await writeTo(transport, kind.text(target), image(3));
      assert.equal(await readFrom(transport, kind.text(target)), image(3).digest);
      assert.deepEqual(await unfinishedIn(folder), [], `step ${step}`);
    }
  });

  test(`${name}: over ${before}: killed at any moment, nothing is unreadable and the next run succeeds`, async () => {
    await using folder = await tempFolder();
    await prepare(kind, folder.in("start"));
    for (let round = 0; round < (soak ? 60 : 3); round++) {
      const target = folder.in(`round-${round}`);
      await copyStart(target, folder);
      const child = fork(program.path, [name, kind.text(target), "2"]);
      const exited = once(child, "exit"); // which may be before the kill
      await sleep(40 + Math.random() * 150);
      child.kill("SIGKILL");
      await exited;
      await assertOldOrNew(kind, target);
      await writeTo(transport, kind.text(target), image(3));
      assert.equal(await readFrom(transport, kind.text(target)), image(3).digest);
      assert.deepEqual(await unfinishedIn(folder), []);
    }
  });
}

async function prepare({ before, transport, text }: Kind, start: string): Promise<void> {
  if (before === "empty folder") await mkdir(start);
  if (before === "image") await writeTo(transport, text(start), image(1));
}

async function copyStart(target: string, folder: TempFolder): Promise<void> {
  const there = (await readdir(folder.path)).includes("start");
  if (there) await cp(folder.in("start"), target, { recursive: true });
}

/** How many steps it took, or 0 where it was killed at `nth`. */
async function writeInProcess(
  kind: Kind,
  target: string,
  folder: TempFolder,
  nth?: number,
): Promise<number> {
  await copyStart(target, folder);
  const steps = nth === undefined ? [] : [String(nth)];
  const child = fork(program.path, [kind.name, kind.text(target), "2", ...steps]);
  const told = once(child, "message").then(([count]) => count as number);
  const ended = once(child, "exit");
  if (nth === undefined) return await told;
  told.catch(() => {});
  assert.deepEqual(await ended, [null, "SIGKILL"]);
  return 0;
}

/** The image from before or the new one, whole; where there was none before, none is right too. */
async function assertOldOrNew({ before, transport, text }: Kind, target: string): Promise<void> {
  try {
    const digest = await readFrom(transport, text(target));
    assert.ok(
      [...(before === "image" ? [image(1).digest] : []), image(2).digest].includes(digest as never),
    );
  } catch (error) {
    assert.ok(before !== "image" && error instanceof KnownError, String(error));
    assert.equal(error.code, "layout.missing");
  }
}

async function unfinishedIn(folder: TempFolder): Promise<readonly string[]> {
  const names = await readdir(folder.path, { recursive: true });
  return names.filter((name) => name.includes(".amphora"));
}
