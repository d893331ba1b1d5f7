import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AskHelper,
  eraseFromHelper,
  getFromHelper,
  helperProgram,
  listHelper,
  storeInHelper,
} from "../../src/config/credential-helper.ts";
import { rememberAnswers } from "../../src/config/helper-memory.ts";
import { createHelperRunner, type HelperLimits } from "../../src/config/load-credential-helper.ts";
import { createMachine, type Machine } from "./temporary.ts";

const signal = AbortSignal.timeout(600_000);

/** A machine with one helper on its PATH: `docker-credential-test`, a shell script. */
function machineWith(t: Parameters<typeof createMachine>[0], script: string): Machine {
  const machine = createMachine(t);
  machine.write("bin/docker-credential-test", `#!/bin/sh\n${script}\n`, 0o755);
  const variables = { PATH: `${machine.path("bin")}:/usr/bin:/bin` };
  return { ...machine, environment: { ...machine.environment, variables } };
}

function runner(machine: Machine, limits?: HelperLimits): AskHelper {
  return createHelperRunner(machine.environment, limits);
}

test("getFromHelper() sends the server on standard input and reads user and secret", async (t) => {
  const machine = machineWith(
    t,
    `read server; [ "$1" = get ] && echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"u\\",\\"Secret\\":\\"$server-pw\\"}"`,
  );
  assert.deepEqual(await getFromHelper(runner(machine), "test", "h.example", { signal }), {
    username: "u",
    password: "h.example-pw",
  });
});

test("getFromHelper() takes the protocol's phrase for having none", async (t) => {
  const machine = machineWith(t, `echo "credentials not found in native keychain"; exit 1`);
  assert.equal(await getFromHelper(runner(machine), "test", "h.example", { signal }), undefined);
});

/** Texts of skopeo 1.22 where it has any. */
const failures: readonly [what: string, script: string, message: string][] = [
  [
    "says what it printed and how it ended",
    "echo locked; exit 3",
    "error getting credentials - err: exit status 3, out: `locked`",
  ],
  [
    "does not take another phrase for an answer",
    `echo "no credentials server URL"; exit 1`,
    "no credentials server URL",
  ],
  ["does not repeat output that may hold a secret", 'echo \'{"Secret":"hush"\'', "unexpected EOF"],
  ["tells of an empty answer", "true", "EOF"],
  [
    "tells where an answer is no JSON",
    "echo locked",
    "invalid character 'l' looking for beginning of value",
  ],
  [
    "tells of a secret that is no text",
    `echo '{"Secret":5}'`,
    "json: cannot unmarshal number into Go struct field Credentials.Secret of type string",
  ],
  [
    "names a signal as Go does",
    "kill -9 $$",
    "error getting credentials - err: signal: killed, out: ``",
  ],
];

for (const [what, script, message] of failures) {
  test(`getFromHelper() ${what}`, async (t) => {
    const ask = runner(machineWith(t, script));
    await assert.rejects(getFromHelper(ask, "test", "h.example", { signal }), {
      code: "config.helper-failed",
      message,
    });
  });
}

test("getFromHelper() says that the program is not there", async (t) => {
  const ask = runner(machineWith(t, ""));
  await assert.rejects(getFromHelper(ask, "nope", "h.example", { signal }), {
    code: "config.helper-failed",
    message:
      'error getting credentials - err: exec: "docker-credential-nope": executable file not found in $PATH, out: ``',
  });
});

const odd: readonly [output: string, expected: object | undefined | "refused"][] = [
  [`{}`, undefined],
  [`{"Secret":"s"}`, { username: "", password: "s" }],
  [`{"Username":"u","Secret":null}`, { username: "u", password: "" }],
  [`{"username":"u","SECRET":"s"}`, { username: "u", password: "s" }],
  [`{"Username":"u","Secret":"s"}\n\nA new version is there`, { username: "u", password: "s" }],
  [`{"Username":1,"Secret":"s"}`, "refused"],
  [`[]`, "refused"],
  [`null`, undefined],
];

for (const [stdout, expected] of odd) {
  test(`getFromHelper() given ${stdout}`, async () => {
    const asked = getFromHelper(() => Promise.resolve({ stdout }), "k", "h", { signal });
    if (expected === "refused") await assert.rejects(asked, { code: "config.helper-failed" });
    else assert.deepEqual(await asked, expected);
  });
}

test("createHelperRunner() ends a helper that takes too long, or writes too much", async (t) => {
  const slow = runner(machineWith(t, "exec sleep 60"), { timeoutMs: 50 });
  assert.match((await slow("test", "get", "", { signal })).failure ?? "", /no answer/);
  const loud = runner(machineWith(t, "exec cat /dev/zero"), { maxOutputBytes: 1_000 });
  assert.match((await loud("test", "get", "", { signal })).failure ?? "", /too long/);
});

test("createHelperRunner() passes an abort's reason on", async (t) => {
  const ask = runner(machineWith(t, "exec sleep 60"));
  const controller = new AbortController();
  const reason = new Error("enough");
  const waiting = ask("test", "get", "", { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 20);
  await assert.rejects(waiting, (error) => error === reason);
});

test("createHelperRunner() hands standard error to the debug log, and input to one who does not read", async (t) => {
  const lines: string[] = [];
  const ask = runner(machineWith(t, "echo why >&2; echo fine"), {
    onDebug: (text) => lines.push(text),
  });
  const answer = await ask("test", "store", "x".repeat(1 << 20), { signal });
  assert.deepEqual(answer, { stdout: "fine\n" });
  assert.deepEqual(lines, ["docker-credential-test: why"]);
});

for (const name of ["", "a/b", "../x", "a b", "a;b", "$(x)"]) {
  test(`helperProgram() refuses the name ${JSON.stringify(name)}`, () => {
    assert.throws(() => helperProgram(name), { code: "config.helper-failed" });
  });
}

test("storeInHelper(), eraseFromHelper() and listHelper() speak the protocol", async () => {
  const asked: string[] = [];
  const ask: AskHelper = (helper, action, input) => {
    asked.push(`${helper} ${action} ${input}`);
    return Promise.resolve({ stdout: action === "list" ? `{"h.example":"u"}` : "" });
  };
  const credentials = { username: "u", password: 'p"' };
  await storeInHelper(ask, "k", "h.example", credentials, { signal });
  assert.equal(await eraseFromHelper(ask, "k", "h.example", { signal }), true);
  assert.deepEqual(await listHelper(ask, "k", { signal }), ["h.example"]);
  assert.deepEqual(asked, [
    'k store {"ServerURL":"h.example","Username":"u","Secret":"p\\""}',
    "k erase h.example",
    "k list unused",
  ]);
});

test("eraseFromHelper() tells a helper that knew nothing from one that fails", async () => {
  const phrase: AskHelper = () =>
    Promise.resolve({
      stdout: "credentials not found in native keychain",
      failure: "exit status 1",
    });
  assert.equal(await eraseFromHelper(phrase, "k", "h", { signal }), false);
  const failing: AskHelper = () => Promise.resolve({ stdout: "x", failure: "exit status 1" });
  await assert.rejects(eraseFromHelper(failing, "k", "h", { signal }), {
    code: "config.helper-failed",
    message: "error erasing credentials - err: exit status 1, out: `x`",
  });
});

test("rememberAnswers() asks once a minute, and anew after a change", async () => {
  let now = 0;
  let asked = 0;
  const ask = rememberAnswers(
    () => {
      asked++;
      return Promise.resolve({ stdout: "{}" });
    },
    () => now,
  );
  await Promise.all([ask("k", "get", "h", { signal }), ask("k", "get", "h", { signal })]);
  assert.equal(asked, 1);
  await ask("k", "get", "other", { signal });
  assert.equal(asked, 2);
  now = 61_000;
  await ask("k", "get", "h", { signal });
  assert.equal(asked, 3);
  await ask("k", "erase", "h", { signal });
  await ask("k", "get", "h", { signal });
  assert.equal(asked, 5);
});

test("rememberAnswers() lets one who waits ask again where the other was called off", async () => {
  let asked = 0;
  const ask = rememberAnswers(
    (_, __, ___, options) => {
      asked++;
      return new Promise((resolve, reject) => {
        options.signal.addEventListener("abort", () => reject(options.signal.reason));
        if (asked > 1) resolve({ stdout: "{}" });
      });
    },
    () => 0,
  );
  const controller = new AbortController();
  const first = ask("k", "get", "h", { signal: controller.signal });
  const second = ask("k", "get", "h", { signal });
  controller.abort(new Error("enough"));
  await assert.rejects(first, { message: "enough" });
  assert.deepEqual(await second, { stdout: "{}" });
});
