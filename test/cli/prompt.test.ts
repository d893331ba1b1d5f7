import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { Prompt } from "../../src/cli/prompt.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

const { signal } = new AbortController();

/** A terminal at which somebody types `keys`. */
function typing(keys: string): Terminal {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
  stdin.write(keys);
  return { stdin, out: async () => {} } as unknown as Terminal;
}

test("secret() takes what was typed, and no end of input for an empty answer", async () => {
  const answers: Readonly<Record<string, string>> = {
    "pw\r": "pw",
    "\r": "",
    "pqx\x7f\x7fw\n": "pw",
    "x\x15pw\r": "pw",
    "pw\x04": "pw",
  };
  for (const [keys, answer] of Object.entries(answers)) {
    using prompt = new Prompt(typing(keys), signal);
    assert.equal(await prompt.secret("?"), answer);
  }
  for (const keys of ["\x04", "x\x7f\x04"]) {
    using prompt = new Prompt(typing(keys), signal);
    await assert.rejects(prompt.secret("?"), { code: "cli.login-failed", message: /EOF$/ });
  }
});
