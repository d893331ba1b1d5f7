import assert from "node:assert/strict";
import { test } from "node:test";
import type { TarHeader } from "../../../src/stream/tar/header.ts";
import { tocEntry } from "../../../src/stream/zstd-chunked/toc.ts";

const header: TarHeader = {
  type: "0",
  rawName: "a\u00c3\u00a9",
  rawLinkName: "",
  size: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  mtime: { seconds: -1, nanoseconds: 120_000_000 },
  atime: undefined,
  ctime: { seconds: 1_700_000_000, nanoseconds: 1 },
  deviceMajor: 0,
  deviceMinor: 0,
  pax: new Map([
    ["SCHILY.xattr.user.a", "b\u00ff"],
    ["mtime", "0"],
  ]),
};

test("an entry has what is not nothing, its attributes as bytes and its times as Go writes them", () => {
  assert.deepEqual(tocEntry(header, undefined), {
    type: "reg",
    name: "aé",
    modtime: "1969-12-31T23:59:59.12Z",
    changetime: "2023-11-14T22:13:20.000000001Z",
    xattrs: { "user.a": Buffer.from([0x62, 0xff]).toString("base64") },
  });
});

test("sparse files, which nobody unpacks from a table of contents, are refused", () => {
  const pax = new Map([["GNU.sparse.map", "0,1"]]);
  assert.throws(() => tocEntry({ ...header, pax }, undefined), { code: "content.bad-tar" });
});

test("times of years that RFC 3339 cannot write are refused", () => {
  const at = (seconds: number) => () =>
    tocEntry({ ...header, mtime: { seconds, nanoseconds: 0 } }, undefined);
  for (const seconds of [253_402_300_800, -62_167_219_201, 1e15, Number.MAX_VALUE]) {
    assert.throws(at(seconds), { code: "content.bad-tar", message: /year outside of range/ });
  }
  assert.equal(at(253_402_300_799)()["modtime"], "9999-12-31T23:59:59Z");
  assert.equal(at(-62_167_219_200)()["modtime"], "0000-01-01T00:00:00Z");
});
