import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { makeFolders } from "../../core/make-folders.ts";
import { Recent } from "./recent.ts";
import { hashOf } from "./union.ts";

/** What others said, and when: milliseconds since the epoch. */
export interface RememberedAnswer {
  readonly items: readonly Uint8Array[];
  readonly at: number;
}

/** Answers of others that outlive this process: they stand in where others cannot be asked after a start. */
export interface AnswerMemory {
  /** Undefined where nothing is known. */
  recall(key: string): Promise<RememberedAnswer | undefined>;
  /** Never throws: what is not remembered is asked for again. */
  remember(key: string, answer: RememberedAnswer): Promise<void>;
}

const fileContent = z.strictObject({
  key: z.string(),
  at: z.number(),
  items: z.array(z.base64()),
});

/** The time of an answer that has not changed is written down no more often. */
const writeEveryMs = 600_000;

/** Answers in files below `folder`. That there is nothing is an answer, too. */
export class AnswerFiles implements AnswerMemory {
  readonly #folder: string;
  readonly #written = new Recent<{ readonly hash: string; readonly at: number }>({
    entries: 50_000,
    bytes: Number.POSITIVE_INFINITY,
    sizeOf: () => 0,
  });

  constructor(folder: string) {
    this.#folder = folder;
  }

  async recall(key: string): Promise<RememberedAnswer | undefined> {
    try {
      const text = await readFile(this.#pathOf(key), "utf8");
      const { key: of, at, items } = fileContent.parse(JSON.parse(text));
      if (of !== key) return undefined;
      return { at, items: items.map((item) => Buffer.from(item, "base64")) };
    } catch {
      return undefined; // none, or none that can be read: then it is as if it had never been asked
    }
  }

  async remember(key: string, { items, at }: RememberedAnswer): Promise<void> {
    const hash = items.map(hashOf).join();
    const written = this.#written.get(key);
    if (written?.hash === hash && at - written.at < writeEveryMs) return;
    this.#written.set(key, { hash, at });
    const path = this.#pathOf(key);
    try {
      const texts = items.map((item) => Buffer.from(item).toString("base64"));
      await writeWhole(path, JSON.stringify({ key, at, items: texts }));
    } catch {
      this.#written.delete(key);
    }
  }

  /** Removes answers that were not renewed since `before`, in milliseconds since the epoch. Never throws. */
  async prune(before: number): Promise<void> {
    for (const folder of await namesIn(this.#folder)) {
      for (const name of await namesIn(join(this.#folder, folder))) {
        await removeOld(join(this.#folder, folder, name), before);
      }
    }
  }

  #pathOf(key: string): string {
    const name = hashOf(Buffer.from(key));
    return join(this.#folder, name.slice(0, 2), `${name}.json`);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []);
}

/** One that cannot be removed stays. */
async function removeOld(path: string, before: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() && found.mtimeMs < before) await rm(path, { force: true }).catch(() => {});
}

async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${randomBytes(8).toString("hex")}`;
  await makeFolders(dirname(path), 0o755);
  try {
    await writeFile(unfinished, text, { flag: "wx" });
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
