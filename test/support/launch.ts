import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** How `bin/amphora` starts Node: what a test that measures must start it with too. */
export function launchOptions(): {
  readonly nodeArgs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const script = readFileSync(new URL("../../bin/amphora", import.meta.url), "utf8");
  const [, settings, flags] = /^(.*) exec "\$node" (.*) "\$main" "\$@"$/m.exec(script) ?? [];
  assert.ok(settings !== undefined && flags !== undefined, "bin/amphora has no such line");
  const [, young = ""] = /^young=(.*)$/m.exec(script) ?? [];
  const fixed = settings.split(" ").filter((setting) => !setting.includes("$"));
  return {
    nodeArgs: flags.replace("$young", young).split(" "),
    env: Object.fromEntries(fixed.map((setting) => setting.split("="))),
  };
}
