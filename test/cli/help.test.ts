import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { helpText, usageText } from "../../src/cli/help.ts";
import { allCommands } from "../../src/cli/specs/all.ts";
import type { CommandSpec } from "../../src/cli/specs/spec.ts";
import { noSuchCommand, suggestionsFor } from "../../src/cli/suggest.ts";

function golden(name: string): string {
  return readFileSync(new URL(`golden/help/${name}.txt`, import.meta.url), "utf8");
}

const paths: readonly (readonly CommandSpec[])[] = [
  [],
  ...allCommands.flatMap((spec) => [
    [spec],
    ...(spec.children ?? []).map((child) => [spec, child]),
  ]),
];

test("helpText() is skopeo's, byte for byte, when called by that name", async (t) => {
  for (const path of paths.filter((each) => each.every((spec) => !spec.ours))) {
    const name = path.map((spec) => spec.name).join("_") || "root";
    await t.test(name, () => assert.equal(helpText("skopeo", path), golden(name)));
  }
});

test("helpText() speaks of amphora, and lists our own flags, in our own name", () => {
  for (const path of paths) {
    const text = helpText("amphora", path);
    const own = path.at(-1)?.flags.filter((flag) => flag.ours) ?? [];
    for (const flag of own) assert.ok(text.includes(`--${flag.name}`), flag.name);
    const usage = text.slice(text.indexOf("Usage:"));
    assert.ok(usage.startsWith("Usage:\namphora ") || usage.startsWith("Usage:\n  amphora "));
    assert.doesNotMatch(text, /^ *skopeo /m);
  }
});

test("helpText() of a group of commands lists them", () => {
  for (const path of paths) {
    const text = helpText("amphora", path);
    for (const { name, short } of path.at(-1)?.children ?? []) {
      assert.match(text, new RegExp(`^  ${name} +${RegExp.escape(short)}$`, "m"));
    }
  }
});

test("usageText() leaves out --help where cobra has not made it yet", () => {
  assert.match(usageText("skopeo", []), /--help/);
  assert.doesNotMatch(usageText("skopeo", [], { withHelpFlag: false }), / --help {2}/);
});

/** Taken from skopeo 1.22. */
const suggestions: readonly (readonly [word: string, near: readonly string[]])[] = [
  ["copi", ["copy"]],
  ["cyop", ["copy"]],
  ["COPY", ["copy"]],
  ["Insp", ["inspect"]],
  ["l", ["login", "logout", "list-tags"]],
  ["s", ["sync", "standalone-sign", "standalone-verify"]],
  ["badcmd", []],
  [
    "",
    [
      "copy",
      "delete",
      "generate-sigstore-key",
      "inspect",
      "login",
      "logout",
      "manifest-digest",
      "sync",
      "standalone-sign",
      "standalone-verify",
      "list-tags",
    ],
  ],
];

test("suggestionsFor() suggests what cobra does", () => {
  for (const [word, near] of suggestions)
    assert.deepEqual(suggestionsFor("skopeo", word), near, word);
});

test("noSuchCommand() words it as skopeo", () => {
  assert.equal(
    noSuchCommand("skopeo", "copi").message,
    "Unrecognized command `skopeo copi`\n\nDid you mean this?\n\tcopy\n\nTry 'skopeo --help' for more information",
  );
  assert.equal(
    noSuchCommand("amphora", undefined).message,
    "Missing command 'amphora COMMAND'\nTry 'amphora --help' for more information",
  );
});
