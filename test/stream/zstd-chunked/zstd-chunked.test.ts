import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { zstdChunked } from "../../../src/stream/zstd-chunked/zstd-chunked.ts";
import { skipUnprivileged } from "../../support/podman.ts";
import { randomBytesOf } from "../../support/random.ts";
import { run } from "../../support/run.ts";
import { tarOf } from "../../support/tar.ts";
import { tempFolder } from "../../support/temp.ts";

interface Entry {
  readonly type: string;
  readonly name: string;
  readonly digest?: string;
  readonly offset?: number;
  readonly endOffset?: number;
  readonly linkName?: string;
  readonly mode?: number;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly modtime?: string;
  readonly accesstime?: string;
  readonly changetime?: string;
  readonly devMajor?: number;
  readonly devMinor?: number;
}

interface Line {
  readonly type: 1 | 2;
  readonly name?: string;
  readonly size?: number;
  readonly payload: string | null;
  readonly position: number;
}

const prefix = "io.github.containers.zstd-chunked.";

async function chunked(tar: Buffer, pieces = 5000) {
  let annotations: Readonly<Record<string, string>> = {};
  const source = (async function* () {
    for (let at = 0; at < tar.length; at += pieces) yield tar.subarray(at, at + pieces);
  })();
  const parts: Buffer[] = [];
  for await (const part of zstdChunked(source, undefined, (told) => {
    annotations = told;
  }))
    parts.push(Buffer.from(part));
  return { blob: Buffer.concat(parts), annotations };
}

/** What a reader that knows the format finds by the annotations alone. */
function found(blob: Buffer, annotations: Readonly<Record<string, string>>) {
  const part = (name: string) => {
    const [at = 0, packed = 0, plain = 0] = (annotations[prefix + name] ?? "")
      .split(":")
      .map(Number);
    const bytes = blob.subarray(at, at + packed);
    const content = zstdDecompressSync(bytes);
    assert.equal(content.length, plain);
    return { bytes, content };
  };
  const [toc, tarSplit] = [part("manifest-position"), part("tarsplit-position")];
  assert.equal(sha256(toc.bytes), annotations[`${prefix}manifest-checksum`]);
  const contents = JSON.parse(toc.content.toString());
  assert.equal(contents.version, 1);
  assert.equal(contents.tarSplitDigest, sha256(tarSplit.bytes));
  const lines = tarSplit.content.toString().trimEnd().split("\n");
  return {
    entries: contents.entries as readonly Entry[],
    lines: lines.map((line) => JSON.parse(line) as Line),
  };
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The tar again: from the contents, each by itself out of the blob, and the lines between them. */
function rebuilt(blob: Buffer, { entries, lines }: ReturnType<typeof found>): Buffer {
  const left = [...entries];
  return Buffer.concat(
    lines.map(({ type, payload, size = 0 }, index) => {
      assert.equal(lines[index]?.position, index);
      if (type === 2) return Buffer.from(payload ?? "", "base64");
      const entry = left.shift();
      if (payload === null) return Buffer.alloc(0);
      const content = zstdDecompressSync(blob.subarray(entry?.offset, entry?.endOffset));
      assert.equal(content.length, size);
      assert.equal(sha256(content), entry?.digest);
      return content;
    }),
  );
}

test("a tar can be had whole from the blob, and rebuilt from its parts", async () => {
  const tar = tarOf([
    { name: "empty", bytes: Buffer.alloc(0) },
    { name: "small", bytes: Buffer.from("text") },
    { name: "large", bytes: randomBytesOf(3, 700_000) },
    { name: `long/${"n".repeat(90)}`, bytes: Buffer.alloc(300_000) },
  ]);
  for (const pieces of [511, 5000, 10_000_000]) {
    const { blob, annotations } = await chunked(tar, pieces);
    assert.ok(zstdDecompressSync(blob).equals(tar), `in pieces of ${pieces}`);
    const parts = found(blob, annotations);
    assert.ok(rebuilt(blob, parts).equals(tar));
    assert.deepEqual(
      parts.entries.map(({ type, name }) => `${type} ${name.slice(0, 8)}`),
      ["reg empty", "reg small", "reg large", "reg long/nnn"],
    );
    assert.ok(!("digest" in (parts.entries[0] ?? {})));
  }
});

test("two entries of one name, which readers of a tar-split refuse, are refused", async () => {
  for (const name of ["d/a", "./d//a"]) {
    const twice = tarOf([
      { name: "d/a", bytes: Buffer.from("one") },
      { name, bytes: Buffer.from("other") },
    ]);
    await assert.rejects(chunked(twice), {
      code: "content.bad-tar",
      message: "duplicates of file paths not supported",
    });
  }
});

test("the footer says what the annotations say", async () => {
  const { blob, annotations } = await chunked(tarOf([{ name: "a", bytes: Buffer.from("b") }]), 1);
  const footer = blob.subarray(-64);
  assert.equal(footer.toString("latin1", 56), "GNUlInUx");
  const numbers = [0, 1, 2, 3, 4, 5, 6].map((at) => Number(footer.readBigUInt64LE(at * 8)));
  assert.equal(numbers.slice(0, 4).join(":"), annotations[`${prefix}manifest-position`]);
  assert.equal(numbers.slice(4).join(":"), annotations[`${prefix}tarsplit-position`]);
});

test("entries say what their headers say, links, devices, times and attributes too", {
  skip: skipUnprivileged(),
}, async () => {
  await using folder = await tempFolder();
  const script = `mkdir d && printf x > d/f && ln d/f d/h && ln -s f d/s && mkfifo d/p && mknod d/c c 1 3
      chmod 4755 d/f && touch -d '2001-02-03T04:05:06.789Z' d/f && setfattr -n user.a -v b d/f 2>/dev/null
      tar --format=pax --numeric-owner --owner=70000 --group=12 --xattrs --no-recursion -cf t d/f d/h d/s d/p d/c d`;
  const made = await run("sh", ["-c", script], { cwd: folder.path });
  assert.equal(made.exitCode, 0, made.stderr);
  const tar = await readFile(folder.in("t"));
  const { blob, annotations } = await chunked(tar);
  const parts = found(blob, annotations);
  assert.ok(rebuilt(blob, parts).equals(tar));
  const entryOf = (name: string): Partial<Entry> =>
    parts.entries.find((entry) => entry.name === name) ?? {};
  const { type, mode, uid, gid, size, modtime, accesstime, changetime } = entryOf("d/f");
  assert.deepEqual(
    { type, mode, uid, gid, size, modtime },
    {
      type: "reg",
      mode: 0o4755,
      uid: 70000,
      gid: 12,
      size: 1,
      modtime: "2001-02-03T04:05:06.789Z",
    },
  );
  for (const time of [accesstime, changetime]) assert.match(String(time), /^20\d\d-.*Z$/);
  const shapes = ["d/h", "d/s", "d/p", "d/c", "d/"].map((name) => {
    const { type, linkName, devMajor, devMinor } = entryOf(name);
    return [type, linkName, devMajor, devMinor];
  });
  assert.deepEqual(shapes, [
    ["hardlink", "d/f", undefined, undefined],
    ["symlink", "f", undefined, undefined],
    ["fifo", undefined, undefined, undefined],
    ["char", undefined, 1, 3],
    ["dir", undefined, undefined, undefined],
  ]);
});

test("what breaks off, or has no word in a table of contents, is refused", async () => {
  const tar = tarOf([{ name: "a", bytes: randomBytesOf(4, 3000) }]);
  await assert.rejects(chunked(tar.subarray(0, 2000)), { code: "content.bad-tar" });
  await assert.rejects(chunked(Buffer.from("no tar at all".repeat(100))), {
    code: "content.bad-tar",
  });
  const odd = Buffer.from(tar);
  odd[156] = "7".charCodeAt(0);
  odd.fill(" ", 148, 156);
  const sum = odd.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  odd.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  await assert.rejects(chunked(odd), /unknown tarball type: 55/);
});
