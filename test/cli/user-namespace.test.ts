import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseSubordinateIds } from "../../src/config/load-subordinate-ids.ts";
import { hexOf } from "../../src/core/digest.ts";
import { makeImage } from "../support/images.ts";
import { run } from "../support/run.ts";
import { tempFolder } from "../support/temp.ts";

const user = { name: "ann", uid: 1000 };

for (const [text, expected] of [
  ["ann:100000:65536\n", [{ first: 100000, count: 65536 }]],
  [
    "bob:1:2\n1000:5:6\nann:7:8\n",
    [
      { first: 5, count: 6 },
      { first: 7, count: 8 },
    ],
  ],
  ["anna:1:2\n10000:3:4\nann:x:1\nann:1\nann:1:0\n", []],
  ["", []],
] as const) {
  test(`parseSubordinateIds() of ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseSubordinateIds(text, user), expected);
  });
}

const program = fileURLToPath(import.meta.resolve("../../src/main.ts"));
/** Somebody without a name, so without subordinate numbers. */
const nobody = 54321;
const become = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--"];

/** Why it cannot be tried: not root, no such tools, or namespaces are forbidden, as in many containers. */
function skipNamespace(): string | false {
  if (process.getuid?.() !== 0) return "only root can become somebody else";
  const tries = [
    [process.execPath, program, "--version"],
    ["unshare", "--user", "true"],
  ];
  const isPossible = tries.every((command) => {
    return spawnSync("setpriv", [...become, ...command], { stdio: "ignore" }).status === 0;
  });
  return isPossible ? false : "no user namespace can be had here";
}

test("a user copies into his store as root of a namespace of his own", {
  skip: skipNamespace(),
}, async () => {
  await using folder = await tempFolder();
  chmodSync(folder.path, 0o755);
  const image = makeImage({ type: "oci", layers: 2 });
  mkdirSync(folder.in("in"));
  writeFileSync(folder.in("in", "manifest.json"), image.bytes);
  for (const [digest, bytes] of image.blobs) writeFileSync(folder.in("in", digest.slice(7)), bytes);
  mkdirSync(folder.in("home"));
  chownSync(folder.in("home"), nobody, nobody);
  const amphora = (...args: readonly string[]) =>
    run("setpriv", [...become, process.execPath, program, "--insecure-policy", ...args], {
      env: {
        HOME: folder.in("home"),
        XDG_RUNTIME_DIR: folder.in("home"),
        PATH: "/usr/sbin:/usr/bin:/bin",
      },
    });
  const store = `[overlay@${folder.in("home/store")}+${folder.in("home/run")}]`;
  const name = `containers-storage:${store}localhost/foo:1`;
  const copied = await amphora("copy", `dir:${folder.in("in")}`, name);
  assert.equal(copied.exitCode, 0, copied.stderr);
  const [record] = JSON.parse(
    readFileSync(folder.in("home/store/overlay-images/images.json"), "utf8"),
  );
  assert.equal(record.id, image.config && hexOf(image.config.digest));
  assert.equal(lstatSync(folder.in("home/store/overlay", record.layer, "diff")).uid, nobody);
  const missing = await amphora("copy", `dir:${folder.in("nowhere")}`, name);
  assert.equal(missing.exitCode, 1);
  assert.match(missing.stderr, /nowhere/);
  assert.equal((await amphora("delete", name)).exitCode, 0);
});
