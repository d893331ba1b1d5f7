import assert from "node:assert/strict";
import { test } from "node:test";
import { findPolicyFile, loadPolicyFile } from "../../src/config/load-policy-file.ts";
import { createMachine } from "./temporary.ts";

const user = "home/.config/containers/policy.json";
const system = "etc/containers/policy.json";

test("loadPolicyFile() takes the user's file before the system's", (t) => {
  const machine = createMachine(t);
  const inSystem = machine.write(system, "system");
  assert.equal(loadPolicyFile(machine.environment).path, inSystem);
  const inUser = machine.write(user, "user");
  const { path, bytes } = loadPolicyFile(machine.environment);
  assert.equal(path, inUser);
  assert.equal(Buffer.from(bytes).toString(), "user");
});

test("loadPolicyFile() names both places where there is none", (t) => {
  const machine = createMachine(t);
  assert.throws(() => loadPolicyFile(machine.environment), {
    code: "config.not-found",
    message: `no policy.json file found at any of the following: "${machine.path(user)}", "${machine.path(system)}"`,
  });
});

test("loadPolicyFile() demands the file that was named", (t) => {
  const machine = createMachine(t);
  machine.write(user, "user");
  const path = machine.path("none.json");
  assert.throws(() => loadPolicyFile(machine.environment, path), {
    code: "config.unreadable",
    message: `open ${path}: no such file or directory`,
  });
});

test("findPolicyFile() says why the others were passed over", (t) => {
  const machine = createMachine(t);
  machine.write(user, "user");
  machine.write(system, "system");
  const outcomes = (explicit?: string) =>
    findPolicyFile(machine.environment, explicit).files.map(({ outcome }) => outcome);
  assert.deepEqual(outcomes(), ["read", "skipped"]);
  assert.deepEqual(outcomes("own.json"), ["read", "skipped", "skipped"]);
});
