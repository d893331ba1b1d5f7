import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { FolderStore } from "../../../sigstore/lookaside/folder-store.ts";
import { openLookaside } from "../../../sigstore/lookaside/open-lookaside.ts";
import { KnownError } from "../../../src/core/errors.ts";
import { bundleScript } from "../../support/bundled-script.ts";
import { run } from "../../support/run.ts";
import { tempFolder } from "../../support/temp.ts";
import {
  fakeBytes,
  fakeSignature,
  signal,
  subject,
  subjectFolder,
  testClient,
  textsOf,
} from "./support.ts";

const writer = new URL("writing-process.ts", import.meta.url);
const call = { signal };

async function store() {
  const folder = await tempFolder();
  const files = new FolderStore(folder.path);
  return {
    folder,
    files,
    add: (...texts: readonly string[]) => files.append(subject, texts.map(fakeSignature), call),
    read: async () => textsOf(await files.read(subject, call)),
    names: () => readdir(folder.in(subjectFolder)),
    at: (name: string) => folder.in(subjectFolder, name),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test("append() adds what is not there, byte for byte, and overwrites nothing", async () => {
  await using lookaside = await store();
  assert.deepEqual(await lookaside.read(), []);
  await lookaside.add();
  assert.deepEqual(await readdir(lookaside.folder.path), [], "nothing to add leaves no folder");
  await lookaside.add("one", "two", "one");
  await lookaside.add("two", "three");
  assert.deepEqual(await lookaside.read(), ["one", "two", "three"]);
  assert.deepEqual((await lookaside.names()).sort(), ["signature-1", "signature-2", "signature-3"]);
  assert.deepEqual(await readFile(lookaside.at("signature-1")), Buffer.from(fakeBytes("one")));
  const modes = [await stat(lookaside.at("")), await stat(lookaside.at("signature-1"))];
  assert.deepEqual(
    modes.map(({ mode }) => mode & 0o777 & ~process.umask()),
    [0o755 & ~process.umask(), 0o644 & ~process.umask()],
  );
});

test("openLookaside() of a file URL is a folder store, also where a space is escaped", async () => {
  await using lookaside = await store();
  await using client = testClient();
  const folder = lookaside.folder.in("a folder");
  await new FolderStore(folder).append(subject, [fakeSignature("one")], call);
  const url = `file://${folder.replaceAll(" ", "%20")}`;
  for (const writable of [false, true]) {
    const opened = openLookaside(url, client, writable);
    await opened.append(subject, [fakeSignature("two")], call);
    assert.deepEqual(textsOf(await opened.read(subject, call)), ["one", "two"]);
  }
});

test("append() keeps what is there and is no signature, and fills a gap first", async () => {
  await using lookaside = await store();
  await lookaside.add("one");
  await writeFile(lookaside.at("signature-2"), "not a signature");
  await writeFile(lookaside.at("signature-4"), fakeBytes("four"));
  await lookaside.add("new");
  assert.equal(await readFile(lookaside.at("signature-2"), "utf8"), "not a signature");
  assert.deepEqual(await readFile(lookaside.at("signature-3")), Buffer.from(fakeBytes("new")));
  await lookaside.add("four");
  assert.deepEqual((await lookaside.names()).length, 4);
});

test("remove() takes one away and leaves no gap", async () => {
  await using lookaside = await store();
  await lookaside.add("one", "two", "three", "four");
  await lookaside.files.remove(subject, 1, call);
  assert.deepEqual(await lookaside.read(), ["one", "four", "three"]);
  await lookaside.files.remove(subject, 2, call);
  await lookaside.files.remove(subject, 7, call);
  assert.deepEqual(await lookaside.read(), ["one", "four"]);
  await lookaside.files.removeAll(subject);
  assert.deepEqual(await lookaside.names(), []);
  await lookaside.files.removeAll({ ...subject, repository: "h/none" });
});

test("read() refuses what cannot be a list of signatures", async () => {
  await using lookaside = await store();
  const { at, read } = lookaside;
  await lookaside.add("one");
  const refuses = async (message: RegExp, code = "signature.store-failed") =>
    await assert.rejects(read(), { code, message });
  await writeFile(at("signature-2"), "");
  await refuses(/^parsing signature "\/.*signature-2": empty signature blob$/); // G3, G4
  await writeFile(at("signature-2"), Buffer.alloc(4 * 1024 * 1024 + 1, 0x89));
  await refuses(/exceeded maximum allowed size of 4194304 bytes/, "signature.store-limit"); // G15e
  await writeFile(at("signature-2"), Buffer.alloc(4 * 1024 * 1024, 0x89));
  assert.equal((await read()).length, 2); // X3
  await mkdir(at("signature-3"));
  await refuses(/^read \/.*signature-3: is a directory$/); // G15
  const other = new FolderStore(at("signature-1"));
  await assert.rejects(
    other.read(subject, call),
    (error) => error instanceof KnownError && / not a directory$/.test(error.message),
  );
});

test("read() follows links, stops at a gap, and knows no other spelling of a number", async () => {
  await using lookaside = await store();
  await lookaside.add("one");
  await writeFile(lookaside.at("signature-01"), "x");
  await writeFile(lookaside.at("signature-3"), "x"); // G1
  await writeFile(lookaside.folder.in("elsewhere"), fakeBytes("two"));
  assert.deepEqual(await lookaside.read(), ["one"]);
  await writeFile(lookaside.at("signature-3"), fakeBytes("three"));
  await symlink(lookaside.folder.in("elsewhere"), lookaside.at("signature-2"));
  assert.deepEqual(await lookaside.read(), ["one", "two", "three"]);
  await symlink(lookaside.folder.in("nowhere"), lookaside.at("signature-4"));
  await assert.rejects(lookaside.add("four"), KnownError);
});

test("read() gives up on 128 signatures, and append() writes no more than 127", async () => {
  await using lookaside = await store();
  const texts = Array.from({ length: 127 }, (_, at) => `s${at}`);
  await mkdir(lookaside.at(""), { recursive: true });
  for (const [at, text] of texts.entries()) {
    await writeFile(lookaside.at(`signature-${at + 1}`), fakeBytes(text));
  }
  assert.deepEqual(await lookaside.read(), texts); // G8b
  await lookaside.add("s5");
  await assert.rejects(lookaside.add("one too many"), { code: "signature.store-limit" });
  await writeFile(lookaside.at("signature-128"), fakeBytes("x"));
  await assert.rejects(lookaside.read(), {
    message: "server provided 128 signatures, assuming that's unreasonable and a server error",
  });
});

test("checkWritable() writes nothing, and tells what append() would", async () => {
  await using lookaside = await store();
  const deeper = new FolderStore(lookaside.folder.in("a/b"));
  await deeper.checkWritable(subject);
  assert.deepEqual(await readdir(lookaside.folder.path), []);
  await writeFile(lookaside.folder.in("a"), "a file");
  const refused = { code: "signature.store-failed", message: /^mkdir \/.*: not a directory$/ };
  await assert.rejects(deeper.checkWritable(subject), refused);
  await assert.rejects(deeper.append(subject, [fakeSignature("x")], call), refused);
});

test("append() fails as checkWritable() does, where a file or a link is in the way", async () => {
  await using lookaside = await store();
  await mkdir(lookaside.folder.in("ns"));
  await writeFile(lookaside.at(""), "a file");
  await symlink("loop", lookaside.folder.in("loop"));
  const looped = new FolderStore(lookaside.folder.in("loop"));
  for (const [files, message] of [
    [lookaside.files, `mkdir ${lookaside.at("")}: not a directory`],
    [
      looped,
      `mkdir ${lookaside.folder.in("loop", subjectFolder)}: too many levels of symbolic links`,
    ],
  ] as const) {
    const refused = { code: "signature.store-failed", message };
    await assert.rejects(files.checkWritable(subject), refused);
    await assert.rejects(files.append(subject, [fakeSignature("x")], call), refused);
  }
});

test("append() tells of a link that leads nowhere", async () => {
  await using lookaside = await store();
  await symlink("nowhere", lookaside.folder.in("ns"));
  await assert.rejects(lookaside.add("one"), {
    code: "signature.store-failed",
    message: `mkdir ${lookaside.folder.in(subjectFolder)}: file exists`,
  });
});

test("checkWritable() names the folder that could not be made, or not be written to", async (context) => {
  if (process.getuid?.() === 0) return context.skip("root may write to every folder");
  await using lookaside = await store();
  await lookaside.add("one");
  const refused = (path: string) => ({
    code: "signature.store-failed",
    message: `mkdir ${path}: permission denied`,
  });
  for (const mode of [0o500, 0o600]) {
    await chmod(lookaside.at(""), mode);
    await assert.rejects(lookaside.files.checkWritable(subject), refused(lookaside.at("")));
  }
  await chmod(lookaside.at(""), 0o700);
  await chmod(lookaside.folder.path, 0o500);
  await assert.rejects(
    lookaside.files.checkWritable({ ...subject, repository: "h/new/one" }),
    refused(lookaside.folder.in("new")),
  );
  await chmod(lookaside.folder.path, 0o700);
});

test("nothing is done once it was called off", async () => {
  await using lookaside = await store();
  await lookaside.add("one");
  const reason = new Error("enough");
  const off = { signal: AbortSignal.abort(reason) };
  await assert.rejects(lookaside.files.read(subject, off), reason);
  await assert.rejects(lookaside.files.append(subject, [fakeSignature("two")], off), reason);
  await assert.rejects(lookaside.files.remove(subject, 0, off), reason);
  assert.deepEqual(await lookaside.read(), ["one"]);
});

test("a repository cannot lead out of the folder", async () => {
  await using lookaside = await store();
  for (const repository of ["h/../x", "h/a//b", "h/a/..", "h/"]) {
    await assert.rejects(lookaside.files.read({ ...subject, repository }, call), KnownError);
  }
});

test("append() by many processes at once loses none and leaves no gap", async () => {
  await using lookaside = await store();
  const soak = process.env["AMPHORA_SOAK"] === "1";
  const [writers, each] = soak ? [50, 2] : [6, 2];
  await using script = await bundleScript(writer);
  const runs = Array.from({ length: writers }, (_, at) =>
    run(process.execPath, [script.path, lookaside.folder.path, `w${at}`, String(each)]),
  );
  for (const { exitCode, stderr } of await Promise.all(runs)) assert.equal(exitCode, 0, stderr);
  const read = await lookaside.read();
  const all = runs.flatMap((_, at) => Array.from({ length: each }, (_, n) => `w${at}.${n + 1}`));
  assert.deepEqual([...read].sort(), all.sort());
  assert.equal((await lookaside.names()).length, writers * each, "nothing unfinished is left");
});

test("append() and remove() at once lose nothing that was to stay, and leave no gap", async () => {
  await using lookaside = await store();
  const { files, add } = lookaside;
  const rounds = process.env["AMPHORA_SOAK"] === "1" ? 200 : 8;
  for (let round = 0; round < rounds; round++) {
    await files.removeAll(subject);
    await add("k1", "x1", "k2", "x2", "k3");
    const victims = [files.remove(subject, 1, call), files.remove(subject, 3, call)];
    const kept = ["k4", "k5", "k6", "k7"].map((text) => add(text));
    await Promise.all([...victims, ...kept]);
    const read = new Set(await lookaside.read());
    for (const text of ["k4", "k5", "k6", "k7"]) {
      assert.ok(read.has(text), `${round}: ${text} is lost: ${[...read]}`);
    }
    assert.ok(read.size >= 7, `${round}: ${[...read]}`);
  }
});
