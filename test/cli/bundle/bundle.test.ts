import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { containerUser } from "../../../src/cli/bundle/container-user.ts";
import { runtimeMounts } from "../../../src/cli/bundle/mounts.ts";
import { runtimeConfig } from "../../../src/cli/bundle/runtime-config.ts";
import { unitFile, unitName } from "../../../src/cli/bundle/unit-file.ts";
import { mapIds } from "../../../src/config/subordinate-ids.ts";
import { parseImageConfig } from "../../../src/core/image-config.ts";
import { tempFolder } from "../../support/temp.ts";

const root = { uid: 0, gid: 0, additionalGids: [] };

function imageWith(config: object) {
  const whole = { architecture: "amd64", os: "linux", config, rootfs: { type: "layers" } };
  return parseImageConfig(Buffer.from(JSON.stringify(whole)));
}

test("runtimeConfig() runs the image's program on a read-only root with few rights", () => {
  const image = imageWith({
    Entrypoint: ["/init"],
    Cmd: ["-v"],
    Env: ["A=1"],
    WorkingDir: "/srv",
    Labels: { a: "b" },
    StopSignal: "SIGINT",
    ExposedPorts: { "80/tcp": {} },
  });
  const made = runtimeConfig({
    image,
    user: root,
    hostname: "app",
    hostNetwork: false,
    namespace: undefined,
  });
  const config = JSON.parse(JSON.stringify(made));
  assert.deepEqual(config.root, { path: "rootfs", readonly: true });
  assert.deepEqual(config.process.args, ["/init", "-v"]);
  assert.equal(config.process.cwd, "/srv");
  assert.deepEqual(config.process.env, [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "A=1",
  ]);
  assert.equal(config.process.noNewPrivileges, true);
  assert.ok(!config.process.capabilities.bounding.includes("CAP_SYS_ADMIN"));
  assert.deepEqual(
    config.linux.namespaces.map(({ type }: { type: string }) => type),
    ["pid", "ipc", "uts", "mount", "network"],
  );
  assert.equal(config.annotations["org.opencontainers.image.exposedPorts"], "80/tcp");
  assert.equal(config.annotations.a, "b");
});

test("runtimeConfig() maps an ordinary user to root, and shares the network where that is wanted", () => {
  const made = runtimeConfig({
    image: imageWith({ Cmd: ["/x"], Env: ["PATH=/x"] }),
    user: { uid: 7, gid: 8, additionalGids: [9] },
    hostname: "app",
    hostNetwork: true,
    namespace: { users: mapIds(1000, []), groups: mapIds(1001, []) },
  });
  const config = JSON.parse(JSON.stringify(made));
  assert.deepEqual(config.process.user, { uid: 0, gid: 0 });
  assert.deepEqual(config.process.env, ["PATH=/x"]);
  assert.deepEqual(config.linux.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  assert.deepEqual(config.linux.gidMappings, [{ containerID: 0, hostID: 1001, size: 1 }]);
  const types = config.linux.namespaces.map(({ type }: { type: string }) => type);
  assert.ok(types.includes("user") && !types.includes("network"));
});

test("runtimeConfig() gives a user of the image the number that the namespace has for it", () => {
  const ranges = [{ start: 100_000, length: 65_536 }];
  const made = runtimeConfig({
    image: imageWith({ Cmd: ["/x"] }),
    user: { uid: 7, gid: 8, additionalGids: [9] },
    hostname: "app",
    hostNetwork: false,
    namespace: { users: mapIds(1000, ranges), groups: mapIds(1001, ranges) },
  });
  const { process, linux } = JSON.parse(JSON.stringify(made));
  assert.deepEqual(process.user, { uid: 7, gid: 8, additionalGids: [9] });
  assert.deepEqual(linux.gidMappings, [
    { containerID: 0, hostID: 1001, size: 1 },
    { containerID: 1, hostID: 100_000, size: 65_536 },
  ]);
});

test("runtimeConfig() refuses an image that does not say what is to be run", () => {
  const user = root;
  const others = { user, hostname: "a", hostNetwork: false, namespace: undefined };
  assert.throws(() => runtimeConfig({ image: imageWith({}), ...others }), {
    code: "cli.unreadable",
  });
});

test("runtimeMounts() gives each volume a place, once, and none to the root itself", () => {
  const mounts = runtimeMounts(["/data", "/tmp", "/", "relative", "/data"], {
    rootless: false,
    hostNetwork: false,
  });
  const places = mounts.map(({ destination }) => destination);
  assert.equal(new Set(places).size, places.length);
  assert.deepEqual(places.slice(-4), ["/run", "/tmp", "/var/tmp", "/data"]);
});

test("containerUser() finds who is meant in the root filesystem's own files", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("etc"));
  await writeFile(folder.in("etc", "passwd"), "root:x:0:0::/:\nalice:x:1000:1001::/:\nbad:x:y:z\n");
  await writeFile(folder.in("etc", "group"), "wheel:x:10:bob,alice\nteam:x:20:\n");
  const rows = [
    ["", root],
    ["alice", { uid: 1000, gid: 1001, additionalGids: [10] }],
    ["1000", { uid: 1000, gid: 1001, additionalGids: [10] }],
    ["5", { uid: 5, gid: 0, additionalGids: [] }],
    ["alice:team", { uid: 1000, gid: 20, additionalGids: [] }],
    ["5:6", { uid: 5, gid: 6, additionalGids: [] }],
  ] as const;
  for (const [text, user] of rows) assert.deepEqual(containerUser(text, folder.path), user, text);
  for (const text of ["mallory", "bad", "alice:nobody", "-1", "99999999999"])
    assert.throws(() => containerUser(text, folder.path), { code: "cli.unreadable" }, text);
});

test("containerUser() follows no link out of the root filesystem", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("rootfs"));
  await mkdir(folder.in("outside"));
  await writeFile(folder.in("outside", "passwd"), "alice:x:1000:1001::/:\n");
  await symlink(folder.in("outside"), folder.in("rootfs", "etc"));
  assert.throws(() => containerUser("alice", folder.in("rootfs")), { code: "cli.unreadable" });
});

test("unitFile() stays a unit whatever the names in it are", () => {
  const unit = unitFile({
    name: "app",
    image: "dir:/a%b\n[Service]\nUser=x",
    bundle: '/var/lib/"my $app" 100%',
    runtime: "/usr/bin/runc",
    stopSignal: "SIGINT\nUser=x",
  });
  const quoted = '"/var/lib/\\"my $$app\\" 100%%"';
  assert.ok(unit.includes(`\nExecStart=/usr/bin/runc run --bundle ${quoted} app\n`), unit);
  assert.doesNotMatch(unit, /^User=|KillSignal/m);
  assert.match(unit, /^Description=.*%%b \[Service\] User=x$/m);
});

test("unitName() takes what is a name of a unit and of a container", () => {
  assert.equal(unitName("app.service"), "app");
  assert.equal(unitName("my-app.2"), "my-app.2");
  for (const text of ["", "../x", "a b", "-x", "a/b", "a@b"])
    assert.throws(() => unitName(text), { code: "usage.bad-flag" }, text);
});
