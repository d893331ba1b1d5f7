import assert from "node:assert/strict";
import { test } from "node:test";
import type { AskHelper } from "../../src/config/credential-helper.ts";
import type { FoundCredentials } from "../../src/config/credentials.ts";
import {
  type AuthFileChoice,
  authPathsToRead,
  authPathToWrite,
  checkAuthFile,
  chooseForLogin,
  chooseForReading,
} from "../../src/config/load-auth-paths.ts";
import { createCredentialFinder } from "../../src/config/load-credentials.ts";
import { createMachine, type Machine } from "./temporary.ts";

const signal = AbortSignal.timeout(600_000);
const files = ["containers-auth.json"];

function auths(user: string, key = "h.example"): string {
  const auth = Buffer.from(`${user}:secret`).toString("base64");
  return JSON.stringify({ auths: { [key]: { auth } } });
}

const noHelper: AskHelper = () => Promise.reject(new Error("a helper was asked"));

interface Lookup {
  readonly helpers?: readonly string[];
  readonly choice?: AuthFileChoice;
  readonly ask?: AskHelper;
  readonly credsStore?: boolean;
  readonly warnings?: string[];
}

function find(
  { environment }: Machine,
  key: string,
  lookup: Lookup = {},
): Promise<FoundCredentials | undefined> {
  const finder = createCredentialFinder({
    environment,
    registries: { credentialHelpers: lookup.helpers ?? files },
    choice: lookup.choice ?? {},
    askHelper: lookup.ask ?? noHelper,
    credsStore: lookup.credsStore ?? false,
    onWarning: (text) => lookup.warnings?.push(text),
  });
  return finder(key, { signal });
}

function userOf(found: FoundCredentials | undefined): string | undefined {
  return found && "username" in found.credentials ? found.credentials.username : undefined;
}

const order = [
  "run/containers/auth.json",
  "home/.config/containers/auth.json",
  "home/.docker/config.json",
  "home/.dockercfg",
];

test("findCredentials() reads the files in order, the first that answers wins", async (t) => {
  const machine = createMachine(t);
  assert.equal(await find(machine, "h.example/x"), undefined);
  for (const file of order.toReversed()) {
    const text = auths(file);
    machine.write(file, file.endsWith("cfg") ? JSON.stringify(JSON.parse(text).auths) : text);
    const found = await find(machine, "h.example/x");
    assert.equal(userOf(found), file);
    assert.equal(found?.source, `${machine.path(file)}, entry "h.example"`);
  }
});

test("findCredentials() goes on to the next file past an empty entry", async (t) => {
  const machine = createMachine(t);
  machine.write(order[0] ?? "", `{"auths":{"h.example":{}}}`);
  machine.write(order[1] ?? "", auths("second"));
  assert.equal(userOf(await find(machine, "h.example")), "second");
});

test("findCredentials() reads a chosen file and no other", async (t) => {
  const machine = createMachine(t);
  machine.write(order[0] ?? "", auths("default"));
  const authFile = machine.write("own.json", auths("own", "other.example"));
  assert.equal(await find(machine, "h.example", { choice: { authFile } }), undefined);
  assert.equal(userOf(await find(machine, "other.example", { choice: { authFile } })), "own");
  const missing = { authFile: machine.path("none.json") };
  assert.equal(await find(machine, "h.example", { choice: missing }), undefined);
});

test("findCredentials() warns of a malformed entry without repeating it", async (t) => {
  const machine = createMachine(t);
  const file = machine.write(
    order[0] ?? "",
    JSON.stringify({ auths: { "h.example": { auth: Buffer.from("hush").toString("base64") } } }),
  );
  const warnings: string[] = [];
  assert.equal(await find(machine, "h.example", { warnings }), undefined);
  assert.deepEqual(warnings, [
    `Error parsing the "auth" field of a credential entry "h.example" in "${file}", missing semicolon`,
  ]);
});

test("findCredentials() fails on a file that is broken or cannot be read, naming it", async (t) => {
  const machine = createMachine(t);
  const authFile = machine.write("own.json", `{"auths":`);
  await assert.rejects(find(machine, "h.example", { choice: { authFile } }), {
    code: "config.invalid",
    file: authFile,
    message: `reading JSON file "${authFile}": unmarshaling JSON at "${authFile}": unexpected end of JSON input`,
  });
  await assert.rejects(find(machine, "h.example", { choice: { authFile: machine.root } }), {
    code: "config.unreadable",
    message: `reading JSON file "${machine.root}": read ${machine.root}: is a directory`,
  });
});

test("findCredentials() asks the helpers of registries.conf by host, in order, the files in their place", async (t) => {
  const machine = createMachine(t);
  machine.write(order[0] ?? "", auths("file"));
  const asked: string[] = [];
  const ask: AskHelper = (helper, action, input) => {
    asked.push(`${helper} ${action} ${input}`);
    return Promise.resolve({
      stdout: "credentials not found in native keychain\n",
      failure: "exit status 1",
    });
  };
  const helpers = ["one", ...files, "two"];
  assert.equal(userOf(await find(machine, "h.example/x", { helpers, ask })), "file");
  assert.deepEqual(asked, ["one get h.example"]);
  assert.equal(await find(machine, "other.example/x", { helpers, ask }), undefined);
  assert.deepEqual(asked.slice(1), ["one get other.example", "two get other.example"]);
});

test("findCredentials() goes past a helper that fails, and tells of it only where nobody knows more", async (t) => {
  const machine = createMachine(t);
  machine.write(order[0] ?? "", auths("file"));
  const ask: AskHelper = () => Promise.resolve({ stdout: "locked", failure: "exit status 1" });
  const helpers = ["one", "two", ...files];
  assert.equal(userOf(await find(machine, "h.example", { helpers, ask })), "file");
  const text = "error getting credentials - err: exit status 1, out: `locked`";
  await assert.rejects(find(machine, "o.example", { helpers: ["one"], ask }), {
    code: "config.helper-failed",
    message: text,
  });
  await assert.rejects(find(machine, "o.example", { helpers, ask }), {
    code: "config.helper-failed",
    message: `errors looking up credentials:\n\t* ${text}\nt* ${text}\n`,
  });
});

test("findCredentials() takes <token> as an identity token", async (t) => {
  const machine = createMachine(t);
  machine.write(order[0] ?? "", `{"credHelpers":{"h.example":"cloud"}}`);
  const ask: AskHelper = () =>
    Promise.resolve({ stdout: `{"ServerURL":"h","Username":"<token>","Secret":"t"}` });
  assert.deepEqual(await find(machine, "h.example/x", { ask }), {
    credentials: { identityToken: "t" },
    source: `credential helper cloud named in ${machine.path(order[0] ?? "")}`,
  });
});

test("findCredentials() asks docker's credsStore last, only of docker's file and only if told to", async (t) => {
  const machine = createMachine(t);
  const docker = order[2] ?? "";
  machine.write(docker, `{"credsStore":"desktop","auths":{"docker.io":{}}}`);
  const asked: string[] = [];
  const ask: AskHelper = (helper, _, input) => {
    asked.push(`${helper} ${input}`);
    return Promise.resolve({ stdout: `{"Username":"u","Secret":"s"}` });
  };
  assert.equal(await find(machine, "docker.io/library/x", { ask }), undefined);
  assert.deepEqual(asked, []);
  const found = await find(machine, "docker.io/library/x", { ask, credsStore: true });
  assert.equal(userOf(found), "u");
  assert.deepEqual(asked, ["desktop https://index.docker.io/v1/"]);
  const authFile = machine.write("own.json", `{"credsStore":"desktop"}`);
  assert.equal(
    await find(machine, "h.example", { ask, credsStore: true, choice: { authFile } }),
    undefined,
  );
});

test("findCredentials() does without a credsStore that does not work, and warns", async (t) => {
  const machine = createMachine(t);
  machine.write(order[2] ?? "", `{"credsStore":"desktop"}`);
  const warnings: string[] = [];
  const ask: AskHelper = () => Promise.resolve({ stdout: "", failure: "exit status 1" });
  assert.equal(await find(machine, "h.example", { ask, credsStore: true, warnings }), undefined);
  assert.equal(warnings.length, 1);
});

test("authPathsToRead() moves with the XDG variables and DOCKER_CONFIG", (t) => {
  const machine = createMachine(t, { XDG_CONFIG_HOME: "/xdg", DOCKER_CONFIG: "/docker" });
  assert.deepEqual(
    authPathsToRead(machine.environment, {}, () => {}).map(({ path }) => path),
    [
      machine.path("run/containers/auth.json"),
      "/xdg/containers/auth.json",
      "/docker/config.json",
      machine.path("home/.dockercfg"),
    ],
  );
});

test("authPathsToRead() warns where XDG_RUNTIME_DIR leads nowhere, which login does not pass over", (t) => {
  const machine = createMachine(t, { XDG_RUNTIME_DIR: "/does/not/exist" });
  const text =
    '"/does/not/exist" directory set by $XDG_RUNTIME_DIR does not exist. Either create the directory or unset $XDG_RUNTIME_DIR.: faccessat /does/not/exist: no such file or directory';
  const warnings: string[] = [];
  const paths = authPathsToRead(machine.environment, {}, (warning) => {
    warnings.push(warning);
  });
  assert.equal(paths.length, 3);
  assert.deepEqual(warnings, [
    `${text}: Trying to pull image in the event that it is a public image.`,
  ]);
  assert.throws(() => authPathToWrite(machine.environment, {}), {
    code: "config.unreadable",
    message: text,
  });
});

test("authPathToWrite() is below /run without XDG_RUNTIME_DIR, and in the home off Linux", (t) => {
  const { environment } = createMachine(t, { XDG_RUNTIME_DIR: "" });
  assert.equal(authPathToWrite(environment, {}).path, "/run/containers/1000/auth.json");
  assert.equal(
    authPathToWrite({ ...environment, platform: "darwin" }, {}).path,
    `${environment.home}/.config/containers/auth.json`,
  );
});

test("chooseForReading() takes the flag, then REGISTRY_AUTH_FILE, but not DOCKER_CONFIG", (t) => {
  const variables = { REGISTRY_AUTH_FILE: "/env.json", DOCKER_CONFIG: "/docker" };
  const { environment } = createMachine(t, variables);
  assert.deepEqual(chooseForReading(environment, "/flag.json"), { authFile: "/flag.json" });
  assert.deepEqual(chooseForReading(environment), { authFile: "/env.json" });
  assert.deepEqual(chooseForReading(createMachine(t, { DOCKER_CONFIG: "/d" }).environment), {});
});

test("chooseForLogin() takes the flags, then the variables, and warns of docker's own file", (t) => {
  const warnings: string[] = [];
  const choose = (flags: AuthFileChoice, variables: Readonly<Record<string, string>> = {}) =>
    chooseForLogin(createMachine(t, variables).environment, flags, (text) => warnings.push(text));
  const both = { REGISTRY_AUTH_FILE: "/env.json", DOCKER_CONFIG: "/docker" };
  assert.deepEqual(choose({ authFile: "/a" }, both), { authFile: "/a" });
  assert.deepEqual(choose({ compatAuthFile: "/c" }, both), { compatAuthFile: "/c" });
  assert.deepEqual(choose({}, both), { authFile: "/env.json" });
  assert.deepEqual(choose({}, { DOCKER_CONFIG: "/d" }), { compatAuthFile: "/d/config.json" });
  assert.deepEqual(choose({}), {});
  assert.equal(warnings.length, 0);
  assert.throws(() => choose({ authFile: "/a", compatAuthFile: "/c" }), { code: "config.invalid" });
  const { environment } = createMachine(t);
  const authFile = `${environment.home}/.docker/config.json`;
  chooseForLogin(environment, { authFile }, (text) => warnings.push(text));
  assert.equal(warnings.length, 1);
});

test("checkAuthFile() demands a file that was named", (t) => {
  const path = createMachine(t).path("none.json");
  checkAuthFile(undefined);
  assert.throws(() => checkAuthFile(path), {
    code: "config.unreadable",
    message: `credential file is not accessible: faccessat ${path}: no such file or directory`,
  });
});
