import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { compatRows } from "../../src/cli/compat.ts";
import { completeWords } from "../../src/cli/complete.ts";
import { completionScript } from "../../src/cli/completion-scripts.ts";
import { skopeoFlags } from "../../src/cli/skopeo-flags.ts";

const HIDDEN = new Set(["dcreds", "screds", "registries-conf"]);
const help = new URL("golden/help/", import.meta.url);

/** The flags that skopeo's own help lists. */
function listedFlags(file: string): readonly string[] {
  const text = readFileSync(new URL(file, help), "utf8");
  const own = text.slice(text.indexOf("\nFlags:"), text.indexOf("\nGlobal Flags:") >>> 0);
  return Array.from(own.matchAll(/^ {2}(?:-(\w), | {4})--([\w.-]+)/gm), ([, short, name]) =>
    short ? `${name},${short}` : `${name}`,
  ).sort();
}

test("skopeoFlags has every flag that skopeo 1.22's help lists, and besides only hidden ones", () => {
  for (const file of readdirSync(help).filter((each) => !each.startsWith("completion_"))) {
    const command = file === "root.txt" ? "" : file.slice(0, -".txt".length);
    const visible = listedFlags(file);
    const table = skopeoFlags[command] ?? [];
    const extra = table.filter((flag) => !visible.includes(flag));
    assert.deepEqual(
      visible.filter((flag) => !table.includes(flag)),
      [],
      command,
    );
    assert.deepEqual(
      extra.filter((flag) => !HIDDEN.has(flag) && flag !== "tls-verify"),
      [],
      command,
    );
  }
});

test("compatRows() measures every flag; none of skopeo's is unknown to our tables", () => {
  const rows = compatRows();
  const count = Object.values(skopeoFlags).reduce((sum, flags) => sum + flags.length, 0);
  assert.equal(rows.length, count + Object.keys(skopeoFlags).length - 1);
  const unexplained = rows.filter((row) => row.answer !== "same" && row.note === undefined);
  assert.deepEqual(unexplained, []);
});

/** Taken from skopeo 1.22. */
const completions: readonly (readonly [words: readonly string[], text: string])[] = [
  [["c"], "copy\tCopy an IMAGE-NAME from one location to another\n:4\n"],
  [["copy", "--format", ""], ":0\n"],
  [["copy", "--format="], ":0\n"],
  [["inspect", "docker://"], ":6\n"],
  [["inspect", "--f"], "--format\tFormat the output to a Go template\n:4\n"],
  [["list-tags", "docker"], ":0\n"],
  [
    ["copy", "--src-tls-verify", ""],
    "containers-storage:\ndir:\ndocker:\ndocker-archive:\ndocker-daemon:\noci:\noci-archive:\nsif:\n:6\n",
  ],
  [
    ["help", "lo"],
    "login\tLogin to a container registry\nlogout\tLogout of a container registry\n:4\n",
  ],
];

test("completeWords() answers as cobra's __complete", () => {
  for (const [words, text] of completions)
    assert.equal(completeWords("skopeo", words, true).text, text, words.join(" "));
  assert.equal(completeWords("skopeo", ["c"], false).text, "copy\n:4\n");
});

test("completionScript() calls the program that it is for", () => {
  for (const shell of ["bash", "fish", "powershell", "zsh"] as const) {
    assert.match(completionScript(shell, "amphora", true), /amphora[\s\S]*__complete /);
    assert.match(completionScript(shell, "skopeo", false), /skopeo[\s\S]*__completeNoDesc /);
  }
});
