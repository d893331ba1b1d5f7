import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, mkdir, open, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { openBlobFile, readSmallFile } from "../../src/layout/blob-file.ts";
import { readBounded } from "../../src/stream/bounded.ts";
import { randomBytesOf } from "../support/random.ts";
import { tempFolder } from "../support/temp.ts";

const signal = new AbortController().signal;
const chunk = 512 * 1024;

function blobOf(bytes: Uint8Array, size = bytes.byteLength) {
  return { mediaType: "x/y", digest: digestOf(bytes), size };
}

for (const size of [0, 1, chunk - 1, chunk, chunk + 1, 9 * chunk, 9 * chunk + 5]) {
  test(`openBlobFile() reads ${size} bytes`, async () => {
    await using folder = await tempFolder();
    const bytes = randomBytesOf(size, size);
    await writeFile(folder.in("blob"), bytes);
    await using stream = await openBlobFile(folder.in("blob"), blobOf(bytes), { signal });
    assert.ok(bytes.equals(await readBounded(stream, size, "blob")));
    const half = Math.floor(size / 2);
    assert.ok(bytes.subarray(half).equals(await readBounded(stream.again(half), size, "blob")));
  });
}

test("openBlobFile() writes no chunk over that a reader may still use", async () => {
  await using folder = await tempFolder();
  const bytes = randomBytesOf(3, 12 * chunk);
  await writeFile(folder.in("blob"), bytes);
  await using stream = await openBlobFile(folder.in("blob"), blobOf(bytes), { signal });
  let last: { readonly at: number; readonly chunk: Uint8Array } | undefined;
  let at = 0;
  for await (const piece of stream) {
    // The one before was in use until this one was asked for, and so was unharmed when that was answered.
    await new Promise(setImmediate);
    assert.ok(bytes.subarray(at, at + piece.byteLength).equals(piece));
    if (last) assert.ok(bytes.subarray(last.at, at).equals(last.chunk));
    last = { at, chunk: piece };
    at += piece.byteLength;
  }
});

test("openBlobFile() takes the file's size where the manifest tells none", async () => {
  await using folder = await tempFolder();
  const bytes = randomBytesOf(4, 1000);
  await writeFile(folder.in("blob"), bytes);
  await using stream = await openBlobFile(folder.in("blob"), blobOf(bytes, -1), { signal });
  assert.equal(stream.descriptor.size, 1000);
  assert.ok(bytes.equals(await readBounded(stream, 1000, "blob")));
});

test("openBlobFile() refuses a file of another length than the blob", async () => {
  await using folder = await tempFolder();
  const bytes = randomBytesOf(5, 1000);
  await writeFile(folder.in("blob"), bytes);
  for (const size of [999, 1001]) {
    const opening = openBlobFile(folder.in("blob"), blobOf(bytes, size), { signal });
    await assert.rejects(opening, { code: "content.size-mismatch" });
  }
});

test("openBlobFile() notices a file that is cut short, or made longer, while it is read", async () => {
  await using folder = await tempFolder();
  const bytes = randomBytesOf(6, 8 * chunk);
  const path = folder.in("blob");
  const changes = [() => truncate(path, 5 * chunk + 7), () => appendFile(path, "more")];
  for (const [index, change] of changes.entries()) {
    await writeFile(path, bytes);
    await using stream = await openBlobFile(path, blobOf(bytes), { signal });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    await change();
    const rest = (async () => {
      while (!(await iterator.next()).done);
    })();
    if (index === 0) await assert.rejects(rest, { code: "content.size-mismatch" });
    else await rest; // only what was there when it was opened is read
  }
});

test("openBlobFile() refuses what is no file, and does not wait for one", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("folder"));
  execFileSync("mkfifo", [folder.in("pipe")]);
  const blob = blobOf(Buffer.from("x"));
  for (const name of ["folder", "pipe"]) {
    const opening = openBlobFile(folder.in(name), blob, { signal });
    await assert.rejects(opening, { code: "layout.unreadable" });
  }
  const missing = openBlobFile(folder.in("missing"), blob, { signal });
  await assert.rejects(missing, {
    code: "layout.missing",
    message: `open ${folder.in("missing")}: no such file or directory`,
  });
});

test("openBlobFile() closes its file, read to the end or not", async () => {
  await using folder = await tempFolder();
  const bytes = randomBytesOf(7, 3 * chunk);
  await writeFile(folder.in("blob"), bytes);
  const before = await lowestFreeHandle();
  for (const pieces of [0, 1, 100]) {
    await using stream = await openBlobFile(folder.in("blob"), blobOf(bytes), { signal });
    const iterator = stream[Symbol.asyncIterator]();
    for (let left = pieces; left > 0; left--) await iterator.next();
  }
  assert.equal(await lowestFreeHandle(), before);
});

async function lowestFreeHandle(): Promise<number> {
  await using handle = await open("/dev/null");
  return handle.fd;
}

test("openBlobFile() stops when called off", async () => {
  await using folder = await tempFolder();
  const bytes = randomBytesOf(8, 8 * chunk);
  await writeFile(folder.in("blob"), bytes);
  const stop = new AbortController();
  const { signal } = stop;
  await using stream = await openBlobFile(folder.in("blob"), blobOf(bytes), { signal });
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  const reason = new Error("called off");
  stop.abort(reason);
  await assert.rejects(
    async () => {
      while (!(await iterator.next()).done);
    },
    (error) => error === reason,
  );
});

test("readSmallFile() refuses what is too long", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.in("file"), "12345");
  assert.equal((await readSmallFile(folder.in("file"), 5)).toString(), "12345");
  await assert.rejects(readSmallFile(folder.in("file"), 4), { code: "content.too-large" });
});
