import assert from "node:assert/strict";
import { readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SignatureFolder } from "../../../sigstore/lookaside/signature-folder.ts";
import { tempFolder } from "../../support/temp.ts";

// Another process comes between any two steps of ours: whenever a file's name is made, it does all its work at once.

interface Work {
  readonly run: (folder: SignatureFolder) => Promise<unknown>;
  /** What it is to leave, if nobody else removes it. */
  readonly leaves: readonly string[];
}

const at = (path: string, number: number) => join(path, `s-${number}`);
const started = ["one", "two", "three", "four"];
const without = (text: string) => started.filter((one) => one !== text);

const works: Readonly<Record<string, Work>> = {
  "add()": {
    run: (folder) => folder.add(Buffer.from("own")),
    leaves: [...started, "own"],
  },
  "remove() of the first": { run: (folder) => folder.remove(1), leaves: without("one") },
  "remove() of one between": { run: (folder) => folder.remove(2), leaves: without("two") },
  "remove() of the last": { run: (folder) => folder.remove(4), leaves: without("four") },
};

/** By what is there, and how many that is. */
const others: Readonly<Record<string, (path: string, last: number) => void>> = {
  "adds one": (path, last) => writeFileSync(at(path, last + 1), "new"),
  "removes the first": (path, last) => renameSync(at(path, last), at(path, 1)),
  "removes the last": (path, last) => unlinkSync(at(path, last)),
  "removes the last and adds two": (path, last) => {
    unlinkSync(at(path, last));
    for (const number of [last, last + 1]) writeFileSync(at(path, number), `new ${number}`);
  },
  "removes all": (path, last) => {
    for (let number = last; number > 0; number--) unlinkSync(at(path, number));
  },
};

/** By number, up to a gap. */
function textsIn(path: string): readonly string[] {
  const names = new Set(readdirSync(path));
  const texts: string[] = [];
  while (names.has(`s-${texts.length + 1}`)) {
    texts.push(readFileSync(at(path, texts.length + 1), "utf8"));
  }
  return texts;
}

/** Runs `work` with the other one between its nth step and the one before; false where it has no such step. */
async function disturbed({ run, leaves }: Work, other: string, nth: number): Promise<boolean> {
  await using temp = await tempFolder();
  const { path } = temp;
  for (const [index, text] of started.entries()) writeFileSync(at(path, index + 1), text);
  const changes = { lost: [] as readonly string[], come: [] as readonly string[] };
  let steps = 0;
  const folder = new SignatureFolder(path, (number) => {
    if (++steps === nth) {
      const before = textsIn(path);
      others[other]?.(path, before.length);
      const after = textsIn(path);
      changes.lost = before.filter((text) => !after.includes(text));
      changes.come = after.filter((text) => !before.includes(text));
    }
    return `s-${number}`;
  });
  await run(folder);
  const expected = [...leaves, ...changes.come].filter((text) => !changes.lost.includes(text));
  const found = textsIn(path);
  for (const text of expected) assert.ok(found.includes(text), `step ${nth}: ${text}: ${found}`);
  const extra = found.filter((text) => !expected.includes(text));
  assert.deepEqual(extra, [], `step ${nth}`);
  assert.equal(readdirSync(path).length, found.length, `step ${nth}: no gap, nothing unfinished`);
  return steps >= nth;
}

for (const [name, work] of Object.entries(works)) {
  for (const other of Object.keys(others)) {
    test(`${name} while another process ${other} loses nothing and leaves no gap`, async () => {
      // remove() means what has the number when it first looks
      for (let nth = name === "add()" ? 1 : 2; await disturbed(work, other, nth); nth++);
    });
  }
}
