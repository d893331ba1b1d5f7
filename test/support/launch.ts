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
  const [, usual = ""] = /^young=(.*)$/m.exec(script) ?? [];
  const [, commands = "", roomy = ""] =
    /^case .* in (.*)\) young=(\d+) ;; esac$/m.exec(script) ?? [];
  assert.ok(usual !== "" && roomy !== "", "bin/amphora says nothing of the young generation");
  const young = commands.includes(`" ${command} "`) ? roomy : usual;
  const fixed = settings.split(" ").filter((setting) => !setting.includes("$"));
  return {
    nodeArgs: flags.replace("$young", young).split(" "),
    env: Object.fromEntries(fixed.map((setting) => setting.split("="))),
  };
}
