import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { readDriverOptions } from "../../src/config/driver-options.ts";
import { loadStorePlace, type StoreRequest } from "../../src/config/load-store-place.ts";
import { createMachine, type Machine } from "./temporary.ts";

const system = "etc/containers/storage.conf";
const vendor = "share/containers/storage.conf";
const user = "home/.config/containers/storage.conf";

function conf(driver: string, more = ""): string {
  return `[storage]\ndriver = "${driver}"\ngraphroot = "/g"\nrunroot = "/r"\n${more}`;
}

function machineOf(t: TestContext, uid: number, variables: Record<string, string> = {}): Machine {
  const machine = createMachine(t, variables);
  return { ...machine, environment: { ...machine.environment, uid } };
}

async function placeOf(machine: Machine, request?: StoreRequest) {
  const { driver, graphroot, runroot, options } = await loadStorePlace(
    machine.environment,
    request,
  );
  return { driver, graphroot, runroot, options };
}

test("root's store is where the system says, or in the usual place", async (t) => {
  const machine = machineOf(t, 0);
  const { graphroot, runroot } = await placeOf(machine);
  assert.deepEqual(
    [graphroot, runroot],
    ["/var/lib/containers/storage", "/run/containers/storage"],
  );
  machine.write(vendor, conf("vfs"));
  assert.equal((await placeOf(machine)).driver, "vfs");
  machine.write(system, conf("overlay2"));
  const expected = { driver: "overlay", graphroot: "/g", runroot: "/r", options: [] };
  assert.deepEqual(await placeOf(machine), expected);
  machine.write(system, '[storage]\ndriver = "vfs"');
  assert.equal((await placeOf(machine)).graphroot, "/var/lib/containers/storage");
});

test("of several files one counts, and nothing of the others", async (t) => {
  const variables = { XDG_CONFIG_HOME: "" };
  const machine = machineOf(t, 0, variables);
  variables.XDG_CONFIG_HOME = machine.path("xdg");
  const { environment } = machine;
  const withXdg = { ...machine, environment: { ...environment, variables } };
  machine.write(system, conf("vfs", '[storage.options]\nignore_chown_errors = "true"\n'));
  assert.deepEqual((await placeOf(withXdg)).options, ["vfs.ignore_chown_errors=true"]);
  machine.write("xdg/containers/storage.conf", '[storage]\ndriver = "overlay"\n');
  const place = await placeOf(withXdg);
  assert.deepEqual(
    [place.driver, place.options, place.graphroot],
    ["overlay", [], "/var/lib/containers/storage"],
  );
  const named = { ...variables, CONTAINERS_STORAGE_CONF: machine.write("own.conf", conf("vfs")) };
  const withOwn = { ...machine, environment: { ...environment, variables: named } };
  assert.deepEqual((await placeOf(withOwn)).options, []);
  const missing = { CONTAINERS_STORAGE_CONF: machine.path("nowhere.conf") };
  await assert.rejects(
    placeOf({ ...machine, environment: { ...environment, variables: missing } }),
    {
      code: "config.unreadable",
    },
  );
});

test("a user's store is in his home, with the system's driver where users can have it", async (t) => {
  const machine = machineOf(t, 1000);
  const store = machine.path("home/.local/share/containers/storage");
  machine.write(system, conf("vfs", '[storage.options]\nsize = "1G"\n'));
  assert.deepEqual(await placeOf(machine), {
    driver: "vfs",
    graphroot: store,
    runroot: machine.path("run/containers"),
    options: [],
  });
  machine.write(system, conf("zfs", 'rootless_storage_path = "$HOMES/u-$UID"\n'));
  const { environment } = machine;
  const variables = { ...environment.variables, HOMES: machine.path("homes") };
  const place = await placeOf({ ...machine, environment: { ...environment, variables } });
  assert.equal(place.graphroot, machine.path("homes/u-1000"));
  const options = '[storage.options.overlay]\nignore_chown_errors = "true"\nmountopt = "nodev"\n';
  machine.write(system, conf("overlay", options));
  assert.deepEqual((await placeOf(machine)).options, ["overlay.ignore_chown_errors=true"]);
});

test("a user's own file stands for the system's", async (t) => {
  const machine = machineOf(t, 1000, { XDG_DATA_HOME: "/data" });
  machine.write(system, conf("vfs"));
  machine.write(user, '[storage]\ndriver = "vfs"\n');
  assert.equal((await placeOf(machine)).graphroot, "/data/containers/storage");
  machine.write(user, '[storage]\ndriver = "vfs"\nrootless_storage_path = "/of/users"\n');
  assert.equal((await placeOf(machine)).graphroot, "/of/users");
  machine.write(user, conf("vfs"));
  assert.deepEqual(
    [(await placeOf(machine)).graphroot, (await placeOf(machine)).runroot],
    ["/g", "/r"],
  );
});

test("in the user namespace of podman, the store is still the user's", async (t) => {
  const variables = { _CONTAINERS_ROOTLESS_UID: "1000", _CONTAINERS_USERNS_CONFIGURED: "done" };
  const machine = machineOf(t, 1000, variables);
  const place = await loadStorePlace(machine.environment);
  assert.equal(place.graphroot, machine.path("home/.local/share/containers/storage"));
  assert.equal(place.userNamespace, true);
});

test("the environment goes before the file", async (t) => {
  const variables = { STORAGE_DRIVER: "vfs", STORAGE_OPTS: "vfs.imagestore=/a,.imagestore=/b" };
  const machine = machineOf(t, 0, variables);
  machine.write(system, conf("overlay", '[storage.options.vfs]\nignore_chown_errors = "true"\n'));
  const place = await loadStorePlace(machine.environment);
  assert.equal(place.driver, "vfs");
  assert.deepEqual(place.additional, ["/a", "/b"]);
});

test("links in the way to a store are followed", async (t) => {
  const machine = machineOf(t, 0);
  mkdirSync(machine.path("real"));
  symlinkSync(machine.path("real"), machine.path("link"));
  machine.write(system, `[storage]\ngraphroot = "${machine.path("link")}"\nrunroot = "/r"\n`);
  assert.equal((await placeOf(machine)).graphroot, machine.path("real"));
});

test("the driver is the one of what is there", async (t) => {
  const machine = machineOf(t, 0);
  const root = machine.path("g");
  const text = (more = "") => `[storage]\ngraphroot = "${root}"\nrunroot = "/r"\n${more}`;
  machine.write(system, text());
  assert.equal((await placeOf(machine)).driver, "overlay");
  mkdirSync(`${root}/vfs`, { recursive: true });
  assert.equal((await placeOf(machine)).driver, "vfs");
  mkdirSync(`${root}/overlay`);
  await assert.rejects(placeOf(machine), { code: "config.invalid" });
  machine.write(system, text('driver = "vfs"\n'));
  assert.equal((await placeOf(machine)).driver, "vfs");
  const request = { graphroot: root, driver: "overlay", options: [] };
  assert.equal((await placeOf(machine, request)).driver, "overlay");
  const elsewhere = { graphroot: machine.path("other"), options: [] };
  mkdirSync(machine.path("other/zfs"), { recursive: true });
  await assert.rejects(placeOf(machine, elsewhere), { code: "config.unsupported" });
  machine.write(system, text('driver = "btrfs"\n'));
  await assert.rejects(placeOf(machine), { code: "config.unsupported" });
  machine.write(system, text('driver = "aufs"\n'));
  await assert.rejects(placeOf(machine), {
    message: `failed to GetDriver graph aufs ${root}: driver not supported`,
  });
  const priority = `${machine.path("new")}"\nrunroot = "/r"\ndriver_priority = ["zfs", "vfs"]\n`;
  machine.write(system, `[storage]\ngraphroot = "${priority}`);
  assert.equal((await placeOf(machine)).driver, "vfs");
});

test("of a user's store, the images that are there say the driver", async (t) => {
  const machine = machineOf(t, 1000);
  mkdirSync(machine.path("home/.local/share/containers/storage/vfs-images"), { recursive: true });
  assert.equal((await placeOf(machine)).driver, "vfs");
});

test("a reference in brackets has none of the configured options", async (t) => {
  const machine = machineOf(t, 0);
  const add = machine.path("add");
  machine.write(system, conf("overlay", `[storage.options]\nadditionalimagestores = ["${add}"]\n`));
  const message = `overlay: can't stat imageStore dir ${add}: stat ${add}: no such file or directory`;
  await assert.rejects(placeOf(machine), { code: "config.unreadable", message });
  mkdirSync(add);
  assert.deepEqual((await loadStorePlace(machine.environment)).additional, [add]);
  const place = await loadStorePlace(machine.environment, {
    driver: "vfs",
    graphroot: "/other",
    options: [".imagestore=/third"],
  });
  assert.deepEqual(
    [place.driver, place.graphroot, place.runroot, place.additional],
    ["vfs", "/other", "/r", ["/third"]],
  );
});

test("what cannot be written under is told", async (t) => {
  const machine = machineOf(t, 0);
  machine.write(
    system,
    conf(
      "overlay",
      'imagestore = "/images"\n[storage.options.overlay]\nforce_mask = "700"\nuse_composefs = "true"\n',
    ),
  );
  const place = await loadStorePlace(machine.environment);
  assert.equal(place.imageStore, "/images");
  assert.deepEqual(place.readOnlyBecause, ["force_mask", "use_composefs"]);
  machine.write(system, conf("overlay", 'imagestore = "/g"\n'));
  await assert.rejects(placeOf(machine), { code: "config.invalid" });
});

test("a program that mounts is known by the options, and by what the store notes", async (t) => {
  const machine = machineOf(t, 0);
  const root = machine.path("g");
  const text = `[storage]\ndriver = "overlay"\ngraphroot = "${root}"\nrunroot = "/r"\n`;
  machine.write(system, text);
  assert.equal((await loadStorePlace(machine.environment)).mountProgram, false);
  machine.write("g/overlay/.has-mount-program", "true");
  assert.equal((await loadStorePlace(machine.environment)).mountProgram, true);
  machine.write("g/overlay/.has-mount-program", "false");
  machine.write(
    system,
    `${text}[storage.options.overlay]\nmount_program = "/usr/bin/fuse-overlayfs"\n`,
  );
  assert.equal((await loadStorePlace(machine.environment)).mountProgram, true);
});

for (const text of [
  "[storage",
  "[storage]\ndriver = 5\n",
  "[storage.options]\nadditionalimagestores = 1\n",
]) {
  test(`a storage.conf of ${JSON.stringify(text)} is refused by name`, async (t) => {
    const machine = machineOf(t, 0);
    const file = machine.write(system, text);
    await assert.rejects(placeOf(machine), { code: "config.invalid", file });
  });
}

for (const [options, expected] of [
  [["overlay.mount_program=/bin/f"], { mountProgram: true }],
  [["overlay2.mount_program=/bin/f"], { mountProgram: true }],
  [["MOUNT_PROGRAM=/bin/f"], { mountProgram: true }],
  [["OverLay.Mount_Program=/bin/f"], { mountProgram: true }],
  [["mount_program=/bin/f", "mount_program="], { mountProgram: false }],
  [[".ignore_chown_errors=1"], { ignoreChownErrors: true }],
  [["ignore_chown_errors=F"], { ignoreChownErrors: false }],
  [["overlay.additionalimagestore=/a//b/", "imagestore=/c"], { additional: ["/a/b", "/c"] }],
  [["overlay.force_mask=shared"], { readOnlyBecause: ["force_mask"] }],
  [["overlay.use_composefs=false"], { readOnlyBecause: [] }],
] as const) {
  test(`readDriverOptions() of ${options.join(" ")}`, () => {
    assert.partialDeepStrictEqual(readDriverOptions("overlay", options), expected);
  });
}

for (const option of ["mountopt", "imagestore=relative"]) {
  test(`readDriverOptions() refuses ${option}`, () => {
    assert.throws(() => readDriverOptions("overlay", [option]), { code: "config.invalid" });
  });
}

// As skopeo 1.22 says.
for (const [driver, option, message] of [
  ["overlay", "overlay.Nonsense=1", "overlay: unknown option overlay.Nonsense"],
  ["overlay", "vfs.ignore_chown_errors=1", "overlay: unknown option vfs.ignore_chown_errors"],
  ["overlay", "use_composefs=yes", 'strconv.ParseBool: parsing "yes": invalid syntax'],
  ["overlay", "force_mask=9", 'strconv.ParseInt: parsing "9": invalid syntax'],
  ["vfs", "vfs.ignore_chown_errors=", 'strconv.ParseBool: parsing "": invalid syntax'],
  ["vfs", "vfs.Nonsense=1", "vfs driver does not support vfs.nonsense options"],
  ["vfs", "imagestore=/a", "vfs driver does not support imagestore options"],
  ["vfs", "vfs.mountopt=nodev", "vfs driver does not support mount options"],
] as const) {
  test(`readDriverOptions() of ${driver} does not pass over ${option}`, () => {
    const refused = { code: "config.invalid", message };
    assert.throws(() => readDriverOptions(driver, [option]), refused);
  });
}

test("what of a storage.conf counts for nothing is told, in skopeo's words", async (t) => {
  const machine = machineOf(t, 0);
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const more = [
    "foo = 1",
    '"a b" = 1',
    "[storage.options]",
    "size = ''",
    "mirrors = [{ a = 1 }, { b = 2 }]",
    "[storage.options.overlay]",
    "mountopt = ''",
    "inodes = ''",
    "sync = ''",
    "[storage.options.vfs]",
    "size = ''",
    "[storage.options.pull_options]",
    'anything = "1"',
    "[other]",
    "[other.table]",
    "x = 1",
  ];
  const file = machine.write(system, conf("overlay", more.join("\n")));
  await loadStorePlace(machine.environment, undefined, { warn });
  const keys = [
    '"storage.foo"',
    String.raw`"storage.\"a b\""`,
    '"storage.options.mirrors" "storage.options.mirrors.a"',
    '"storage.options.mirrors" "storage.options.mirrors.b"',
    '"storage.options.overlay.sync" "storage.options.vfs.size" "other.table" "other.table.x"',
  ].join(" ");
  assert.deepEqual(warnings.splice(0), [`Failed to decode the keys [${keys}] from "${file}"`]);
  machine.write(system, conf("overlay2"));
  await loadStorePlace(machine.environment, undefined, { warn });
  const switching = "Switching default driver from overlay2 to the equivalent overlay driver";
  assert.deepEqual(warnings.splice(0), [switching]);
  machine.write(system, conf("", 'driver_priority = ["vfs"]\n'));
  await loadStorePlace(machine.environment, undefined, { warn });
  assert.deepEqual(warnings, []);
  machine.write(system, conf(""));
  await loadStorePlace(machine.environment, undefined, { warn });
  const unset = `The storage 'driver' option should be set in ${file}. A driver was picked automatically.`;
  assert.deepEqual(warnings, [unset]);
});

for (const line of [
  "transient_store = 1",
  "[storage.options.zfs]\nsize = 1",
  "[storage.options.pull_options]\nx = true",
]) {
  test(`a storage.conf with ${JSON.stringify(line)} is wrong, whatever the driver`, async (t) => {
    const machine = machineOf(t, 0);
    machine.write(system, conf("vfs", `${line}\n`));
    const message = /: toml: line [56] \(last key "storage\..*"\): incompatible types: /;
    await assert.rejects(placeOf(machine), { code: "config.invalid", message });
  });
}

test("a user without a home has a store where one is named", async (t) => {
  const machine = machineOf(t, 1000);
  const environment = { ...machine.environment, home: "/", variables: {} };
  await assert.rejects(loadStorePlace(environment), { code: "config.not-found" });
  const named = await loadStorePlace(environment, { graphroot: "/named", options: [] });
  assert.equal(named.graphroot, "/named");
  const inHome = { ...environment, variables: { HOME: "/" } };
  assert.equal((await loadStorePlace(inHome)).graphroot, "/.local/share/containers/storage");
});
