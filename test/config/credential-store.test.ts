import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { test } from "node:test";
import type { AskHelper } from "../../src/config/credential-helper.ts";
import type { AuthFileChoice } from "../../src/config/load-auth-paths.ts";
import {
  type CredentialStore,
  createCredentialStore,
} from "../../src/config/load-credential-store.ts";
import { createMachine, type Machine } from "./temporary.ts";

const signal = AbortSignal.timeout(600_000);
const credentials = { username: "u", password: "p" };

const noHelper: AskHelper = () => Promise.reject(new Error("a helper was asked"));

function storeOf(
  { environment }: Machine,
  options: {
    readonly choice?: AuthFileChoice;
    readonly helpers?: readonly string[];
    readonly ask?: AskHelper;
  } = {},
): CredentialStore {
  return createCredentialStore({
    environment,
    registries: { credentialHelpers: options.helpers ?? ["containers-auth.json"] },
    choice: options.choice ?? {},
    askHelper: options.ask ?? noHelper,
  });
}

function keysOf(file: string): string[] {
  return Object.keys(JSON.parse(readFileSync(file, "utf8")).auths);
}

function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}

test("store() makes the default file and its folder for the user alone", async (t) => {
  const machine = createMachine(t);
  const file = machine.path("run/containers/auth.json");
  assert.equal(await storeOf(machine).store("h.example/team", credentials, { signal }), file);
  assert.deepEqual(keysOf(file), ["h.example/team"]);
  assert.equal(modeOf(file), 0o600);
  assert.equal(modeOf(machine.path("run/containers")), 0o700);
  assert.deepEqual(readdirSync(machine.path("run/containers")), ["auth.json"]);
});

test("store() takes others' rights away from a file it changes", async (t) => {
  const machine = createMachine(t);
  const authFile = machine.write("own.json", `{"auths":{"a":{}}}`, 0o644);
  await storeOf(machine, { choice: { authFile } }).store("h.example", credentials, { signal });
  assert.deepEqual(keysOf(authFile), ["a", "h.example"]);
  assert.equal(modeOf(authFile), 0o600);
});

test("store() keeps a link and changes the file it leads to", async (t) => {
  const machine = createMachine(t);
  const real = machine.write("dotfiles/auth.json", "{}");
  const authFile = machine.path("own.json");
  symlinkSync(real, authFile);
  await storeOf(machine, { choice: { authFile } }).store("h.example", credentials, { signal });
  assert.ok(lstatSync(authFile).isSymbolicLink());
  assert.deepEqual(keysOf(real), ["h.example"]);
});

test("store() leaves a file alone that it cannot read, and nothing beside it", async (t) => {
  const machine = createMachine(t);
  for (const text of ["", "{", `{"auths":{"h":5}}`, "[]"]) {
    const authFile = machine.write("own/own.json", text);
    await assert.rejects(
      storeOf(machine, { choice: { authFile } }).store("h.example", credentials, { signal }),
      { code: "config.invalid", file: authFile },
    );
    assert.equal(readFileSync(authFile, "utf8"), text);
    assert.deepEqual(readdirSync(machine.path("own")), ["own.json"]);
  }
});

test("store() says where it cannot write", async (t) => {
  const machine = createMachine(t);
  machine.write("file", "");
  const authFile = machine.path("file/own.json");
  await assert.rejects(
    storeOf(machine, { choice: { authFile } }).store("h.example", credentials, { signal }),
    { code: "config.unwritable", file: authFile },
  );
});

test("store() keeps docker's own names in docker's file, and refuses paths there", async (t) => {
  const machine = createMachine(t);
  const compatAuthFile = machine.write("config.json", `{"psFormat":"x"}`);
  const store = storeOf(machine, { choice: { compatAuthFile }, helpers: ["never"] });
  await store.store("docker.io", credentials, { signal });
  assert.deepEqual(keysOf(compatAuthFile), ["https://index.docker.io/v1/"]);
  assert.equal(JSON.parse(readFileSync(compatAuthFile, "utf8")).psFormat, "x");
  await assert.rejects(store.store("h.example/x", credentials, { signal }), {
    code: "config.bad-key",
    message:
      'Credentials cannot be recorded in Docker-compatible format with namespaced key "h.example/x"',
  });
  assert.equal(await store.remove("docker.io", { signal }), true);
  assert.deepEqual(keysOf(compatAuthFile), []);
});

test("store() gives them to the registry's helper and leaves the file alone", async (t) => {
  const machine = createMachine(t);
  const text = `{"credHelpers":{"h.example":"k"}}`;
  const authFile = machine.write("own.json", text);
  const asked: string[] = [];
  const ask: AskHelper = (helper, action) => {
    asked.push(`${helper} ${action}`);
    return Promise.resolve({ stdout: "" });
  };
  const store = storeOf(machine, { choice: { authFile }, ask });
  assert.equal(await store.store("h.example", credentials, { signal }), "credential helper: k");
  assert.deepEqual(asked, ["k store"]);
  assert.equal(readFileSync(authFile, "utf8"), text);
});

test("store() goes on to the next helper where one cannot take a path", async (t) => {
  const machine = createMachine(t);
  const helpers = ["k", "containers-auth.json"];
  const file = machine.path("run/containers/auth.json");
  assert.equal(
    await storeOf(machine, { helpers }).store("h.example/x", credentials, { signal }),
    file,
  );
  await assert.rejects(storeOf(machine, { helpers: ["k"] }).store("h/x", credentials, { signal }), {
    code: "config.bad-key",
    message: "namespaced key is not supported for credential helper k",
  });
});

test("remove() tells whether anybody knew the key", async (t) => {
  const machine = createMachine(t);
  const store = storeOf(machine);
  assert.equal(await store.remove("h.example", { signal }), false);
  await store.store("h.example", credentials, { signal });
  assert.equal(await store.remove("h.example/x", { signal }), false);
  assert.equal(await store.remove("h.example", { signal }), true);
  assert.deepEqual(keysOf(machine.path("run/containers/auth.json")), []);
});

test("remove() erases from the helper that the file names, or says why not", async (t) => {
  const machine = createMachine(t);
  const text = `{"auths":{"h.example":{}},"credHelpers":{"h.example":"k"}}`;
  const authFile = machine.write("own.json", text);
  const failing: AskHelper = () => Promise.resolve({ stdout: "x", failure: "exit status 1" });
  await assert.rejects(
    storeOf(machine, { choice: { authFile }, ask: failing }).remove("h.example", { signal }),
    {
      code: "config.helper-failed",
      message: `updating "${authFile}": removing credentials for h.example from credential helper k: error erasing credentials - err: exit status 1, out: \`x\``,
    },
  );
  assert.equal(readFileSync(authFile, "utf8"), text);
  const ask: AskHelper = () => Promise.resolve({ stdout: "" });
  const store = storeOf(machine, { choice: { authFile }, ask });
  assert.equal(await store.remove("h.example", { signal }), true);
});

test("removeAll() empties the file and every helper", async (t) => {
  const machine = createMachine(t);
  const authFile = machine.write(
    "own.json",
    `{"auths":{"a":{},"b":{}},"credHelpers":{"c.example":"k"}}`,
  );
  const asked: string[] = [];
  const ask: AskHelper = (helper, action, input) => {
    asked.push(`${helper} ${action} ${input}`);
    return Promise.resolve({ stdout: action === "list" ? `{"d.example":"u"}` : "" });
  };
  const helpers = ["containers-auth.json", "m"];
  await storeOf(machine, { choice: { authFile }, helpers, ask }).removeAll({ signal });
  assert.deepEqual(asked, ["k erase c.example", "m list unused", "m erase d.example"]);
  assert.equal(readFileSync(authFile, "utf8"), `{\n\t"auths": {}\n}`);
});

test("removeAll() passes over a helper that is not installed", async (t) => {
  const machine = createMachine(t);
  const ask: AskHelper = (helper) =>
    Promise.resolve({
      stdout: "",
      failure: `exec: "docker-credential-${helper}": executable file not found in $PATH`,
    });
  await storeOf(machine, { helpers: ["none"], ask }).removeAll({ signal });
});

test("store() loses nothing when many processes sign in at once", async (t) => {
  const machine = createMachine(t);
  const authFile = machine.path("own/auth.json");
  const module = new URL("../../src/config/load-credential-store.ts", import.meta.url).href;
  const script = `
    import { createCredentialStore } from ${JSON.stringify(module)};
    const store = createCredentialStore({
      environment: {}, registries: { credentialHelpers: ["containers-auth.json"] },
      choice: { authFile: ${JSON.stringify(authFile)} }, askHelper: () => {},
    });
    const signal = AbortSignal.timeout(300_000);
    await Promise.all(Array.from({ length: 10 }, (_, i) =>
      store.store(process.argv[1] + i + ".example", { username: "u", password: "p" }, { signal })));
  `;
  const exits = ["a", "b", "c"].map((name) =>
    once(
      spawn(process.execPath, ["--input-type=module", "-e", script, name], { stdio: "inherit" }),
      "exit",
    ),
  );
  for (const exit of await Promise.all(exits)) assert.deepEqual(exit, [0, null]);
  assert.equal(keysOf(authFile).length, 30);
  assert.deepEqual(readdirSync(machine.path("own")), ["auth.json"]);
});

test("store() takes over a lock that was left behind, and waits for a fresh one until called off", async (t) => {
  const machine = createMachine(t);
  const authFile = machine.path("auth.json");
  const lock = machine.write("auth.json.lock", "");
  utimesSync(lock, new Date(0), new Date(0));
  const store = storeOf(machine, { choice: { authFile } });
  await store.store("h.example", credentials, { signal });
  assert.equal(existsSync(lock), false);
  machine.write("auth.json.lock", "");
  const reason = new Error("enough");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(
    store.store("i.example", credentials, { signal: controller.signal }),
    (error) => error === reason,
  );
  assert.deepEqual(keysOf(authFile), ["h.example"]);
  assert.equal(existsSync(lock), true);
});
