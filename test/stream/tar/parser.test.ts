import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  buildHeader,
  endOfTar,
  paddingOf,
  type TarFields,
} from "../../../src/stream/tar/builder.ts";
import { type TarHeader, tarName } from "../../../src/stream/tar/header.ts";
import { TarParser } from "../../../src/stream/tar/parser.ts";
import { tempFolder } from "../../support/temp.ts";

interface Seen {
  readonly header: TarHeader;
  readonly offset: number;
  payload: string;
}

/** Everything a parser tells of a tar that comes in pieces of a length. */
function parsed(tar: Uint8Array, step: number): { entries: Seen[]; all: Buffer } {
  const entries: Seen[] = [];
  const all: Buffer[] = [];
  const parser = new TarParser({
    raw: (bytes) => void all.push(Buffer.from(bytes)),
    entry: (header, offset) => void entries.push({ header, offset, payload: "" }),
    payload(bytes) {
      all.push(Buffer.from(bytes));
      const last = entries.at(-1);
      if (last) last.payload += bytes.toString("latin1");
    },
  });
  for (let at = 0; at < tar.byteLength; at += step) parser.write(tar.subarray(at, at + step));
  parser.end();
  return { entries, all: Buffer.concat(all) };
}

function entry(fields: TarFields, payload = ""): Buffer {
  const bytes = Buffer.from(payload, "latin1");
  const header = buildHeader({ ...fields, size: fields.size ?? bytes.byteLength });
  return Buffer.concat([header, bytes, paddingOf(bytes.byteLength)]);
}

const sample = Buffer.concat([
  entry({ name: "a", mode: 0o644, uid: 1, gid: 2, mtime: { seconds: 5, nanoseconds: 0 } }, "hello"),
  entry({ name: `${"d".repeat(90)}/${"e".repeat(90)}` }, "x".repeat(512)),
  entry({ name: `${"d".repeat(200)}/ü`, mtime: { seconds: -2, nanoseconds: 500_000_000 } }, "y"),
  entry({ name: "link", type: "2", linkName: "z".repeat(300) }),
  entry({ name: "big-id", uid: 3_000_000, pax: new Map([["SCHILY.xattr.user.a", "\0=\xff"]]) }),
  endOfTar,
  Buffer.from("what follows"),
]);

test("TarParser reads what buildHeader() wrote, cut anywhere, and gives every byte once", () => {
  for (const step of [1, 7, 511, 512, 513, 100_000]) {
    const { entries, all } = parsed(sample, step);
    assert.deepEqual(all, sample);
    assert.deepEqual(
      entries.map(({ header }) => tarName(header).slice(-4)),
      ["a", "eeee", "dd/ü", "link", "g-id"],
    );
    const [a, long, precise, link, owned] = entries;
    assert.deepEqual(
      [a?.header.mode, a?.header.uid, a?.header.gid, a?.payload],
      [0o644, 1, 2, "hello"],
    );
    assert.equal(sample.toString("latin1", a?.offset, (a?.offset ?? 0) + 5), "hello");
    assert.equal(long?.header.rawName, `${"d".repeat(90)}/${"e".repeat(90)}`);
    assert.equal(long?.payload.length, 512);
    assert.deepEqual(precise?.header.mtime, { seconds: -2, nanoseconds: 500_000_000 });
    assert.equal(link?.header.rawLinkName, "z".repeat(300));
    assert.equal(owned?.header.uid, 3_000_000);
    assert.equal(owned?.header.pax.get("SCHILY.xattr.user.a"), "\0=\xff");
  }
});

test("TarParser reads GNU tar's own formats", async () => {
  await using temp = await tempFolder();
  const folder = temp.path;
  mkdirSync(join(folder, "in", "n".repeat(120)), { recursive: true });
  writeFileSync(join(folder, "in", "n".repeat(120), "f".repeat(120)), "content");
  symlinkSync("t".repeat(150), join(folder, "in", "link"));
  for (const format of ["gnu", "pax", "oldgnu"]) {
    const tar = execFileSync("tar", [
      "-C",
      folder,
      `--format=${format}`,
      "--sort=name",
      "-c",
      "in",
    ]);
    const { entries, all } = parsed(tar, 1000);
    assert.deepEqual(all, tar);
    assert.deepEqual(
      entries.map(({ header, payload }) => [
        header.type,
        tarName(header),
        header.rawLinkName,
        payload,
      ]),
      [
        ["5", "in/", "", ""],
        ["2", "in/link", "t".repeat(150), ""],
        ["5", `in/${"n".repeat(120)}/`, "", ""],
        ["0", `in/${"n".repeat(120)}/${"f".repeat(120)}`, "", "content"],
      ],
    );
  }
});

test("TarParser takes a tar without its end, and refuses one that breaks off or lies", () => {
  const one = entry({ name: "a" }, "hello");
  parsed(Buffer.alloc(0), 10);
  parsed(one.subarray(0, 512 + 5), 100);
  parsed(Buffer.concat([one, Buffer.alloc(512)]), 100);
  const wrong = Buffer.from(one);
  wrong[0] = 0x62;
  const long = buildHeader({ name: "a", type: "x", size: 2 ** 20 + 1 });
  const negative = Buffer.from(one);
  negative.fill(0xff, 124, 136);
  const bad = [
    one.subarray(0, 512 + 4),
    one.subarray(0, 100),
    wrong,
    negative,
    long,
    Buffer.concat([Buffer.alloc(512), one]),
    Buffer.concat([one, Buffer.alloc(600)]),
    entry({ name: "p", type: "x" }, "nothing of the kind"),
    entry({ name: "p", type: "x" }, "99 a=b\n"),
    entry({ name: "p", type: "x" }, "11 path=\0b\n"),
    Buffer.concat([entry({ name: "p", type: "x" }, "13 size=hey!\n"), one]),
    entry({ name: "p", type: "x" }, "6 =bc\n"),
    Buffer.concat([entry({ name: "p", type: "x" }, "29 mtime=9223372036854775808\n"), one]),
    Buffer.concat([entry({ name: "p", type: "x" }, "27 uid=9999999999999999999\n"), one]),
  ];
  for (const tar of bad) {
    assert.throws(() => parsed(tar, 64), { code: "content.bad-tar" });
  }
});

test("TarParser gives no payload to headers that only are headers, and one entry to a global header", () => {
  const tar = Buffer.concat([
    entry({ name: "lost", type: "x" }, "13 path=lost\n"),
    entry({ name: "global", type: "g", uid: 7 }, "15 comment=hey\n8 gid=8\n"),
    buildHeader({ name: "folder", type: "5", size: 700 }),
    entry({ name: "old/", type: "\0" }),
    entry({ name: "old", type: "\0" }, "1"),
    endOfTar,
  ]);
  const { entries, all } = parsed(tar, 333);
  assert.deepEqual(all, tar);
  assert.deepEqual(
    entries.map(({ header, payload }) => [header.type, header.rawName, payload]),
    [
      ["g", "global", ""],
      ["5", "folder", ""],
      ["5", "old/", ""],
      ["0", "old", "1"],
    ],
  );
  assert.deepEqual([entries[0]?.header.uid, entries[0]?.header.gid], [0, 0]); // nobody's, as in Go
});
