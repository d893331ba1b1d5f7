import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { endpointsFor } from "../../src/config/endpoints.ts";
import { loadRegistriesConf } from "../../src/config/load-registries-conf.ts";
import { formatDockerReference, parseDockerReference } from "../../src/core/docker-reference.ts";
import { createMachine, type Machine } from "./temporary.ts";

const system = "etc/containers/registries.conf";
const user = "home/.config/containers/registries.conf";

function entry(prefix: string, location: string): string {
  return `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n`;
}

async function locations(machine: Machine, file?: string): Promise<Record<string, string>> {
  const { conf } = await loadRegistriesConf(machine.environment, file ? { file } : {});
  return Object.fromEntries(conf.registries.map(({ prefix, location }) => [prefix, location]));
}

test("loadRegistriesConf() gives an empty configuration where no file is", async (t) => {
  const machine = createMachine(t);
  const { conf, files } = await loadRegistriesConf(machine.environment);
  assert.deepEqual(conf.registries, []);
  assert.deepEqual(conf.credentialHelpers, ["containers-auth.json"]);
  assert.equal(conf.shortNameMode, "permissive");
  assert.ok(files.every(({ outcome }) => outcome === "absent"));
  assert.equal(files.length, 4);
});

test("loadRegistriesConf() reads the system's file and both folders of drop-ins, the user's last", async (t) => {
  const machine = createMachine(t);
  machine.write(system, entry("a.example", "main") + entry("b.example", "main"));
  machine.write(`${system}.d/20.conf`, entry("b.example", "system-20"));
  machine.write(`${system}.d/10.conf`, entry("b.example", "system-10") + entry("c.example", "10"));
  machine.write(`${user}.d/05.conf`, entry("c.example", "user-05"));
  machine.write(`${system}.d/ignored.txt`, "not TOML");
  machine.write(`${system}.d/sub.conf/x.conf`, "not TOML");
  assert.deepEqual(await locations(machine), {
    "a.example": "main",
    "b.example": "system-20",
    "c.example": "user-05",
  });
});

test("loadRegistriesConf() leaves the system's files alone where the user has a main file", async (t) => {
  const machine = createMachine(t);
  machine.write(system, "not TOML");
  machine.write(`${system}.d/10.conf`, "not TOML");
  machine.write(user, entry("u.example", "user"));
  machine.write(`${user}.d/10.conf`, entry("v.example", "drop-in"));
  assert.deepEqual(await locations(machine), { "u.example": "user", "v.example": "drop-in" });
  const { files } = await loadRegistriesConf(machine.environment);
  assert.deepEqual(
    files.map(({ path, outcome }) => [path.slice(machine.root.length + 1), outcome]),
    [
      [system, "skipped"],
      [`${system}.d`, "skipped"],
      [user, "read"],
      [`${user}.d/10.conf`, "read"],
    ],
  );
});

test("loadRegistriesConf() reads a named file instead of both, but the drop-ins all the same", async (t) => {
  const machine = createMachine(t);
  machine.write(system, "not TOML");
  machine.write(user, "not TOML");
  machine.write(`${system}.d/10.conf`, entry("s.example", "system"));
  machine.write(`${user}.d/10.conf`, entry("u.example", "user"));
  const file = machine.write("own.conf", entry("o.example", "own"));
  assert.deepEqual(await locations(machine, file), {
    "o.example": "own",
    "s.example": "system",
    "u.example": "user",
  });
});

test("loadRegistriesConf() demands a named file", async (t) => {
  const machine = createMachine(t);
  const file = machine.path("none.conf");
  await assert.rejects(loadRegistriesConf(machine.environment, { file }), {
    code: "config.unreadable",
    message: `loading registries configuration "${file}": open ${file}: no such file or directory`,
  });
});

test("loadRegistriesConf() names the file at fault, drop-ins by another text", async (t) => {
  const machine = createMachine(t);
  const main = machine.write(system, `[[registry]]\ninsecure = true`);
  await assert.rejects(loadRegistriesConf(machine.environment), {
    code: "config.invalid",
    file: main,
    message: `loading registries configuration "${main}": invalid condition: both location and prefix are unset`,
  });
  machine.write(system, "");
  const dropIn = machine.write(`${system}.d/1.conf`, `[registries.search]\nregistries = ["x"]`);
  await assert.rejects(loadRegistriesConf(machine.environment), {
    code: "config.invalid",
    file: dropIn,
    message: `loading drop-in registries configuration "${dropIn}": registry must be in v2 format but is in v1`,
  });
});

test("loadRegistriesConf() does not follow a link in place of the drop-in folder, and says so", async (t) => {
  const machine = createMachine(t);
  machine.write("elsewhere/10.conf", entry("a.example", "b.example"));
  mkdirSync(machine.path("etc/containers"));
  symlinkSync(machine.path("elsewhere"), machine.path(`${system}.d`));
  const { conf, files } = await loadRegistriesConf(machine.environment);
  assert.deepEqual(conf.registries, []);
  assert.equal(files.find(({ path }) => path.endsWith(`${system}.d`))?.outcome, "skipped");
});

test("loadRegistriesConf() merges scalars where set, and aliases name by name", async (t) => {
  const machine = createMachine(t);
  const main = machine.write(
    system,
    `unqualified-search-registries = ["a.example"]
credential-helpers = ["one"]
short-name-mode = "disabled"
[aliases]
"x" = "a.example/x"
"y" = "a.example/y"`,
  );
  const later = machine.write(
    `${system}.d/1.conf`,
    `unqualified-search-registries = []\n[aliases]\n"y" = ""\n"z" = "a.example/z"`,
  );
  const { conf } = await loadRegistriesConf(machine.environment);
  assert.deepEqual(conf.unqualifiedSearchRegistries, []);
  assert.equal(conf.unqualifiedSearchOrigin, later);
  assert.deepEqual(conf.credentialHelpers, ["one"]);
  assert.equal(conf.shortNameMode, "disabled");
  assert.deepEqual([...conf.aliases.keys()], ["x", "y", "z"]);
  assert.equal(conf.aliases.get("y"), undefined);
  assert.equal(conf.origin, `${main} or ${machine.path(`${user}.d`)}`);
});

test("loadRegistriesConf() blocks in the words of skopeo 1.22", async (t) => {
  const machine = createMachine(t);
  const main = machine.write(system, `[[registry]]\nlocation = "b.example"\nblocked = true`);
  const { conf } = await loadRegistriesConf(machine.environment);
  const [first] = endpointsFor(conf, parseDockerReference("b.example/x:1")).endpoints;
  assert.equal(formatDockerReference(first.reference), "b.example/x:1");
  assert.equal(
    first.refusal?.message,
    `registry b.example is blocked in ${main} or ${machine.path(`${user}.d`)}`,
  );
});

async function later(machine: Machine, file?: string): Promise<Record<string, string>> {
  const { conf } = await loadRegistriesConf(machine.environment, {
    search: "1.23",
    ...(file && { file }),
  });
  return Object.fromEntries(conf.registries.map(({ prefix, location }) => [prefix, location]));
}

const vendor = "share/containers/registries.conf";

test("loadRegistriesConf() of 1.23 takes the first main file of user, system and vendor", async (t) => {
  const machine = createMachine(t);
  assert.deepEqual(await later(machine), {});
  for (const [index, path] of [vendor, system, user].entries()) {
    machine.write(path, entry("a.example", String(index)));
    assert.deepEqual(await later(machine), { "a.example": String(index) });
  }
});

test("loadRegistriesConf() of 1.23 reads drop-ins by name, a higher folder's hiding a lower's", async (t) => {
  const machine = createMachine(t);
  machine.write(user, "");
  machine.write(`${vendor}.d/10.conf`, entry("masked.example", "vendor"));
  machine.write(`${system}.d/10.conf`, entry("a.example", "system"));
  machine.write(`${system}.d/30.conf`, entry("b.example", "system-30"));
  machine.write(`${user}.d/20.conf`, entry("b.example", "user-20") + entry("c.example", "user"));
  machine.write("etc/containers/registries.rootless.conf.d/40.conf", entry("d.example", "less"));
  machine.write("etc/containers/registries.rootless.conf.d/1000/50.conf", entry("e.example", "me"));
  machine.write("etc/containers/registries.rootful.conf.d/60.conf", entry("f.example", "root"));
  assert.deepEqual(await later(machine), {
    "a.example": "system",
    "b.example": "system-30",
    "c.example": "user",
    "d.example": "less",
    "e.example": "me",
  });
  const asRoot = { ...machine, environment: { ...machine.environment, uid: 0 } };
  const { "f.example": rootful, "d.example": rootless } = await later(asRoot);
  assert.deepEqual([rootful, rootless], ["root", undefined]);
});

test("loadRegistriesConf() of 1.23 obeys its two variables, the flag before the first", async (t) => {
  const machine = createMachine(t);
  machine.write(`${system}.d/10.conf`, entry("a.example", "drop-in"));
  const own = machine.write("own.conf", entry("o.example", "own"));
  const last = machine.write("last.conf", entry("a.example", "last"));
  const withVariables = (variables: Readonly<Record<string, string>>) => ({
    ...machine,
    environment: { ...machine.environment, variables },
  });
  const both = { CONTAINERS_REGISTRIES_CONF: own, CONTAINERS_REGISTRIES_CONF_OVERRIDE: last };
  assert.deepEqual(await later(withVariables(both)), { "o.example": "own", "a.example": "last" });
  const { CONTAINERS_REGISTRIES_CONF } = both;
  assert.deepEqual(await later(withVariables({ CONTAINERS_REGISTRIES_CONF })), {
    "o.example": "own",
  });
  const flag = machine.write("flag.conf", entry("f.example", "flag"));
  assert.deepEqual(await later(withVariables({ CONTAINERS_REGISTRIES_CONF }), flag), {
    "f.example": "flag",
    "a.example": "drop-in",
  });
  await assert.rejects(later(withVariables({ CONTAINERS_REGISTRIES_CONF: "/none" })), {
    code: "config.unreadable",
  });
  assert.deepEqual(await locations(withVariables(both)), { "a.example": "drop-in" });
});

test("loadRegistriesConf() of 1.23 converts no version 1, and names all places of a blocked one", async (t) => {
  const machine = createMachine(t);
  machine.write(system, `[registries.search]\nregistries = ["x"]`);
  await assert.rejects(later(machine), { code: "config.invalid" });
  const file = machine.write("own.conf", `[[registry]]\nlocation = "b.example"\nblocked = true`);
  const { conf } = await loadRegistriesConf(machine.environment, { search: "1.23", file });
  const [first] = endpointsFor(conf, parseDockerReference("b.example/x:1")).endpoints;
  const text = first.refusal?.message ?? "";
  assert.ok(text.startsWith(`registry b.example is blocked in one of ["${file}" "`), text);
});
