import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPolicyPath, PolicyError } from "../../policy/errors.ts";
import { invalidPolicy, within } from "../../policy/invalid.ts";
import { contextOf, docker, gateOf, subjectOf } from "./world.ts";

test("formatPolicyPath() writes a place as JavaScript would", () => {
  const rows: readonly (readonly [path: readonly (string | number)[], text: string])[] = [
    [[], ""],
    [["default", 0, "keyPath"], "default[0].keyPath"],
    [["transports", "docker", "h.example/a", 12], 'transports.docker["h.example/a"][12]'],
    [["transports", "docker-daemon", ""], 'transports["docker-daemon"][""]'],
    [[0, "type"], "[0].type"],
    [["0"], '["0"]'],
    [['"\n'], '["\\"\\n"]'],
    [["_a1", "1a"], '_a1["1a"]'],
  ];
  for (const [path, text] of rows) assert.equal(formatPolicyPath(path), text);
});

test("a refusal brings its verdict, a fault its place", async () => {
  const gate = gateOf({ default: [{ type: "reject" }] }, contextOf({}));
  const refused = await gate.admit(subjectOf(docker("h.example/a"))).catch((error) => error);
  assert.ok(refused instanceof PolicyError);
  assert.deepEqual([refused.code, refused.verdict?.allowed], ["policy.refused", false]);
  const failing = () =>
    within("transports", () =>
      within(3, () => {
        throw invalidPolicy("no");
      }),
    );
  assert.throws(failing, { code: "policy.invalid", message: "no", path: ["transports", 3] });
  assert.equal(invalidPolicy("no").code, "policy.invalid");
});
