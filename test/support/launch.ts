import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** How `bin/amphora` starts Node for a `command`: what a test that measures must start it with too. */
export function launchOptions(command = ""): {
  readonly nodeArgs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const script = readFileSync(new URL("../../bin/amphora", import.meta.url), "utf8");
  const [, settings, flags] = /^(.*) exec "\$node" (.*) "\$main" "\$@"$/m.exec(script) ?? [];
  assert.ok(settings !== undefined && flags !== undefined, "bin/amphora has no such line");
  const sizes = sizesFor(command, script);
  const fixed = settings.split(" ").filter((setting) => !setting.includes("$"));
  return {
    nodeArgs: flags.replace(/\$(\w+)/g, (_, name: string) => sizes.get(name) ?? "").split(" "),
    env: Object.fromEntries(fixed.map((setting) => setting.split("="))),
  };
}

/** What the script's variables are for a command. */
function sizesFor(command: string, script: string): ReadonlyMap<string, string> {
  const usual = /^young=.*$/m.exec(script)?.[0] ?? "";
  const lines = script.split("\n").filter((line) => line.includes(`" ${command} "`));
  const text = [usual, ...(command === "" ? [] : lines)].join(" ");
  assert.ok(usual !== "", "bin/amphora says nothing of the young generation");
  return new Map(
    [...text.matchAll(/(\w+)=(\d+)/g)].map(([, name = "", value = ""]) => [name, value]),
  );
}
