import assert from "node:assert/strict";
import {
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { test } from "node:test";
import { SignatureFolder } from "../../../sigstore/lookaside/signature-folder.ts";
import { tempFolder } from "../../support/temp.ts";

const bytesOf = (text: string) => Buffer.from(text);

/** A folder with `texts` in it, where somebody else does `meanwhile` when `number` is named for the nth time. */
async function folderOf(texts: readonly string[]) {
  const temp = await tempFolder();
  const name = (number: number) => `s-${number}`;
  const at = (number: number) => temp.in(name(number));
  for (const [index, text] of texts.entries()) await writeFile(at(index + 1), text);
  const between = (number: number, nth: number, meanwhile: () => void) => {
    let seen = 0;
    return new SignatureFolder(temp.path, (asked) => {
      if (asked === number && ++seen === nth) meanwhile();
      return name(asked);
    });
  };
  return {
    path: temp.path,
    at,
    folder: new SignatureFolder(temp.path, name),
    between,
    /** `1 one`, by number. */
    async held(): Promise<readonly string[]> {
      const names = (await readdir(temp.path)).sort();
      return names.map((one) => `${one.replace("s-", "")} ${readFileSync(temp.in(one), "utf8")}`);
    },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

test("add() says what it did, and fills the last number that is read", async () => {
  const texts = Array.from({ length: 126 }, (_, at) => `t${at}`);
  await using world = await folderOf(texts);
  assert.equal(await world.folder.add(bytesOf("t5")), "held");
  assert.equal(await world.folder.add(bytesOf("last")), "added");
  assert.equal(await world.folder.add(bytesOf("more")), "full");
  assert.equal(readFileSync(world.at(127), "utf8"), "last");
  assert.equal((await world.held()).length, 127, "nothing unfinished is left");
});

test("add() takes the next number where somebody else takes one in that moment", async () => {
  await using world = await folderOf(["one"]);
  const folder = world.between(2, 2, () => writeFileSync(world.at(2), "theirs"));
  assert.equal(await folder.add(bytesOf("ours")), "added");
  assert.deepEqual(await world.held(), ["1 one", "2 theirs", "3 ours"]);
});

test("add() moves down where somebody else removes the one before it in that moment", async () => {
  await using world = await folderOf(["one", "two"]);
  const folder = world.between(3, 2, () => [1, 2].map((number) => unlinkSync(world.at(number))));
  assert.equal(await folder.add(bytesOf("ours")), "added");
  assert.deepEqual(await world.held(), ["1 ours"]);
});

test("add() that moves down overwrites nobody", async () => {
  await using world = await folderOf(["one"]);
  let isGone = false;
  const folder = new SignatureFolder(world.path, (asked) => {
    if (asked === 2 && !isGone) unlinkSync(world.at(1));
    if (asked === 2) isGone = true;
    else if (isGone && asked === 1) writeFileSync(world.at(1), "theirs");
    return `s-${asked}`;
  });
  assert.equal(await folder.add(bytesOf("ours")), "added");
  assert.deepEqual(await world.held(), ["1 theirs", "2 ours"]);
});

test("add() writes a file where the system cannot link, and overwrites nothing", async (context) => {
  await using world = await folderOf([]);
  const far = otherDevice(world.path);
  if (!far) return "skip" in context ? context.skip("one file system only") : undefined;
  try {
    const nameOf = (number: number) => join(relative(world.path, far), `s-${number}`);
    const folder = new SignatureFolder(world.path, nameOf);
    assert.equal(await folder.add(bytesOf("one")), "added");
    assert.equal(await folder.add(bytesOf("one")), "held");
    let named = 0;
    const late = new SignatureFolder(world.path, (number) => {
      if (number === 2 && ++named === 2) writeFileSync(join(far, "s-2"), "theirs");
      return nameOf(number);
    });
    assert.equal(await late.add(bytesOf("two")), "added");
    assert.deepEqual((await readdir(far)).sort(), ["s-1", "s-2", "s-3"]);
    assert.equal(readFileSync(join(far, "s-2"), "utf8"), "theirs");
    assert.equal(readFileSync(join(far, "s-3"), "utf8"), "two");
    assert.deepEqual(await readdir(world.path), []);
  } finally {
    rmSync(far, { recursive: true });
  }
});

/** A new folder that nothing in `path` can be linked to. */
function otherDevice(path: string): string | undefined {
  const memory = statSync("/dev/shm", { throwIfNoEntry: false });
  if (!memory || memory.dev === statSync(path).dev) return undefined;
  return mkdtempSync("/dev/shm/amphora-test-");
}

test("add() gives up on a number that is neither there nor to be had, and leaves nothing", async () => {
  await using world = await folderOf([]);
  symlinkSync(world.at(9), world.at(1));
  await assert.rejects(world.folder.add(bytesOf("one")), {
    code: "signature.store-failed",
    message: `open ${world.at(1)}: leads nowhere`,
    hint: `Remove ${world.at(1)}`,
  });
  assert.deepEqual(await readdir(world.path), [basename(world.at(1))]);
});

test("a folder that is none is told of, with what was called", async () => {
  await using world = await folderOf(["one"]);
  const file = new SignatureFolder(world.at(1));
  const refused = (call: string) => ({
    code: "signature.store-failed",
    message: new RegExp(`^${call} ${world.at(1)}.*: not a directory$`),
  });
  await assert.rejects(file.add(bytesOf("x")), refused("open"));
  await assert.rejects(file.remove(1), refused("open"));
  await assert.rejects(file.clear(), refused("write"));
});

test("remove() takes away only what it found, though somebody else moves another there", async () => {
  await using world = await folderOf(["victim", "two", "three"]);
  const folder = world.between(1, 2, () => renameSync(world.at(3), world.at(1)));
  await folder.remove(1);
  assert.deepEqual(await world.held(), ["1 three", "2 two"]);
});

test("remove() follows what it found, where somebody else moves it", async () => {
  await using world = await folderOf(["one", "two", "victim"]);
  const folder = world.between(1, 1, () => renameSync(world.at(3), world.at(2)));
  await folder.remove(3);
  assert.deepEqual(await world.held(), ["1 one"]);
});

test("remove() takes one behind a gap away, and moves nothing there", async () => {
  await using world = await folderOf(["one", "two", "three"]);
  unlinkSync(world.at(2));
  await world.folder.remove(3);
  await world.folder.remove(2);
  assert.deepEqual(await world.held(), ["1 one"]);
  await world.folder.remove(1);
  assert.deepEqual(await world.held(), []);
});

test("remove() tells what kept it from filling the gap, and keeps what it should remove", async () => {
  await using world = await folderOf(["one"]);
  await mkdir(world.at(2));
  await assert.rejects(world.folder.remove(1), {
    code: "signature.store-failed",
    message: `write ${world.path}: not a directory`,
  });
  assert.equal(readFileSync(world.at(1), "utf8"), "one");
});
