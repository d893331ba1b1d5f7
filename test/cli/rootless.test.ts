import assert from "node:assert/strict";
import { test } from "node:test";
import { namespaceNeed } from "../../src/cli/rootless/namespace-need.ts";
import { loadEnvironment } from "../../src/config/load-environment.ts";
import { defaultLookasideFolder } from "../../src/config/lookaside-folder.ts";

for (const [line, need] of [
  ["copy docker://a containers-storage:b", "must"],
  ["copy containers-storage:[vfs@/x]b dir:c", "must"],
  ["delete containers-storage:b", "must"],
  ["copy docker://a dir:containers-storage:b", undefined],
  ["copy", undefined],
  // of what these read, all belongs to the user
  ["inspect containers-storage:b", undefined],
  ["images", undefined],
  ["pull busybox", "must"],
  ["load", "must"],
  ["save busybox", "must"],
  ["push busybox", "must"],
  ["rmi", "must"],
  // told without a namespace that an argument is missing
  ["pull", undefined],
  ["tag a b", "may"],
  ["untag a", "may"],
  ["unpack docker://a folder", "should"],
] as const) {
  test(`namespaceNeed() of "${line}"`, () => {
    const [command = "", ...args] = line.split(" ");
    assert.equal(namespaceNeed(command, args), need);
  });
}

test("in a user namespace of podman's kind, the user's number is the one outside", (t) => {
  const name = "_CONTAINERS_ROOTLESS_UID";
  const before = process.env[name];
  t.after(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
  process.env[name] = "4711";
  assert.equal(loadEnvironment().uid, 4711);
  assert.notEqual(defaultLookasideFolder(loadEnvironment()), "/var/lib/containers/sigstore");
  process.env[name] = "many";
  assert.equal(loadEnvironment().uid, process.getuid?.());
});
