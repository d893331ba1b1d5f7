import assert from "node:assert/strict";
import { mkdir, realpath, symlink } from "node:fs/promises";
import { test } from "node:test";
import { parseOciLocation } from "../../../src/layout/location.ts";
import { resolveOciLocation } from "../../../src/transport/oci/location.ts";
import { tempFolder } from "../../support/temp.ts";

test("parseOciLocation() splits at the first colon", () => {
  assert.deepEqual(parseOciLocation("a/b"), { path: "a/b" });
  assert.deepEqual(parseOciLocation("a/b:"), { path: "a/b" });
  assert.deepEqual(parseOciLocation("a:x:y"), { path: "a", name: "x:y" });
  assert.deepEqual(parseOciLocation("a:@3"), { path: "a", position: 3 });
  assert.deepEqual(parseOciLocation("a:@+3"), { path: "a", position: 3 });
  assert.deepEqual(parseOciLocation(":x"), { path: "", name: "x" });
  const digest = `sha256:${"a".repeat(64)}`;
  assert.deepEqual(parseOciLocation(`a:@${digest}`), { path: "a", digest });
});

test("resolveOciLocation() refuses what skopeo refuses, in its words", async () => {
  const notAnInteger = (text: string, why: string) =>
    `Invalid source index @${text}: not an integer: strconv.Atoi: parsing "${text}": ${why}`;
  const table: readonly [text: string, message: string][] = [
    ["@x", notAnInteger("x", "invalid syntax")],
    ["@", notAnInteger("", "invalid syntax")],
    ["@0x1", notAnInteger("0x1", "invalid syntax")],
    ["@99999999999999999999", notAnInteger("99999999999999999999", "value out of range")],
    ["@-1", "Invalid source index @-1: must not be negative"],
    ...["a~b", "a..b", "a---b", "a/", "/a", "-a", "é", "a b", "a:", "a//b", "a\n"].map(
      (name) => [name, `Invalid image ${name}`] as [string, string],
    ),
  ];
  for (const [name, message] of table) {
    const resolving = resolveOciLocation(`.:${name}`);
    await assert.rejects(resolving, { code: "usage.bad-reference", message }, name);
  }
});

test("resolveOciLocation() takes the names that skopeo takes", async () => {
  for (const name of [
    "a",
    "a/b-c_d.e+f--g:h@i",
    "1",
    "A:1",
    "busybox:latest",
    "localhost:5000/x",
  ]) {
    assert.ok((await resolveOciLocation(`.:${name}`)).text.endsWith(`:${name}`));
  }
});

test("resolveOciLocation() gives policies the path without links, and not the name", async () => {
  await using folder = await tempFolder();
  const root = await realpath(folder.path);
  await mkdir(folder.in("real"));
  await symlink("real", folder.in("link"));
  const reference = await resolveOciLocation(`${folder.in("link")}:name`);
  assert.equal(reference.transport, "oci");
  assert.equal(reference.text, `${root}/real:name`);
  assert.equal(reference.policyIdentity, `${root}/real`);
  assert.deepEqual(reference.policyNamespaces.slice(0, 2), [`${root}/real`, root]);
  assert.equal(reference.policyNamespaces.at(-1), `/${root.split("/")[1]}`);
});

test("resolveOciLocation() gives a text that can be read again though a folder above has a colon", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("a:b"));
  await symlink("a:b", folder.in("link"));
  const reference = await resolveOciLocation(`${folder.in("link")}:name`);
  assert.equal(reference.text, `${folder.in("link")}:name`);
  assert.deepEqual(await resolveOciLocation(reference.text), reference);
});
