import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { layerEntry, layerOf } from "../support/layers.ts";
import { writeLayoutFolder } from "../support/layout-folder.ts";
import { imageOfTars } from "../support/odd-layers.ts";
import { type OrdinaryUser, ordinaryUser, skipUsers, user } from "../support/ordinary-user.ts";
import { skipWithout } from "../support/peers.ts";
import type { RunResult } from "../support/run.ts";

const skip = skipUsers();
const skipPeers = skip || skipWithout("podman", "skopeo");

/** Files of several owners, closed to root's own group, and two kinds of whiteouts. */
const root = { uid: 0, gid: 0 };
const other = { uid: 1000, gid: 1000 };
const image = imageOfTars([
  layerOf(
    layerEntry({ name: "etc/", type: "5", ...root }),
    layerEntry({ name: "etc/shadow", mode: 0o640, uid: 0, gid: 42 }, "secret"),
    layerEntry({ name: "home/", type: "5", mode: 0o700, ...other }),
    layerEntry({ name: "home/closed", mode: 0, ...other }, "closed"),
    layerEntry({ name: "opt/", type: "5", ...root }),
    layerEntry({ name: "opt/gone", ...root }, "gone"),
    layerEntry({ name: "dev/", type: "5", ...root }),
    layerEntry({ name: "dev/null", type: "3", mode: 0o666, ...root }),
  ),
  layerOf(
    layerEntry({ name: "opt/", type: "5", ...root }),
    layerEntry({ name: "opt/.wh.gone", ...root }),
    layerEntry({ name: "home/", type: "5", mode: 0o700, ...other }),
    layerEntry({ name: "home/.wh..wh..opq", ...root }),
    layerEntry({ name: "home/new", mode: 0o600, ...other }, "new"),
  ),
]);

const plain = imageOfTars([layerOf(layerEntry({ name: "file", ...root }, "root's"))]);
const name = "localhost/owned:1";
const stored = `containers-storage:${name}`;

async function withImage(ranges?: Parameters<typeof ordinaryUser>[0]): Promise<{
  readonly someone: OrdinaryUser;
  readonly layout: string;
  readonly store: string;
}> {
  const someone = await ordinaryUser(ranges);
  await writeLayoutFolder(someone.folder.in("image"), image, "t");
  return {
    someone,
    layout: `oci:${someone.folder.in("image")}:t`,
    store: join(someone.home, ".local/share/containers/storage"),
  };
}

async function succeeds(running: Promise<RunResult>): Promise<string> {
  const { exitCode, stdout, stderr } = await running;
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

function ownersOf(path: string): readonly number[] {
  const { uid, gid } = lstatSync(path);
  return [uid, gid];
}

/** Which number the user has outside for one inside of the namespace. */
function outside(id: number): number {
  return id === 0 ? user.uid : user.firstId + id - 1;
}

function assertOwned(tree: string): void {
  assert.deepEqual(ownersOf(tree), [outside(0), outside(0)]);
  assert.deepEqual(ownersOf(join(tree, "etc/shadow")), [outside(0), outside(42)]);
  assert.deepEqual(ownersOf(join(tree, "home")), [outside(1000), outside(1000)]);
}

/** The trees of layers in a store of overlay. */
function treesOf(store: string): readonly string[] {
  const folder = join(store, "overlay");
  const names = readdirSync(folder).filter((each) => /^[0-9a-f]{64}$/.test(each));
  return names.map((each) => join(folder, each, "diff"));
}

test("podman lists, mounts and removes what a user's store was given", {
  skip: skipPeers,
}, async (t: TestContext) => {
  const { someone, layout, store } = await withImage();
  await using _ = someone;
  const apart = ["--root", join(someone.home, "probe"), "--runroot", join(someone.home, "run/p")];
  const probe = await someone.podman([...apart, "info"]);
  if (probe.exitCode !== 0) return t.skip(`podman has no overlay for users here: ${probe.stderr}`);
  await succeeds(someone.amphora(["copy", "-q", layout, stored]));
  const base = treesOf(store).find((tree) => existsSync(join(tree, "etc")));
  assert.ok(base !== undefined);
  assertOwned(base);
  assert.deepEqual(readdirSync(join(base, "dev")), [], "devices are left out");
  const podman = (...args: readonly string[]) => succeeds(someone.podman(args));
  assert.equal(await podman("images", "--format", "{{.Names}}"), `[${name}]\n`);
  const script = `set -e; tree=$(podman image mount ${name}); cd "$tree"
    stat -c '%n %u:%g %a' etc/shadow home home/new; cat home/new; echo; ls opt home
    cd /; podman image umount ${name} >&2`;
  const seen = await podman("unshare", "sh", "-c", script);
  const lines = ["etc/shadow 0:42 640", "home 1000:1000 700", "home/new 1000:1000 600", "new"];
  assert.deepEqual(seen.trim().split("\n"), [...lines, "home:", "new", "", "opt:"]);
  await podman("rmi", name);
  assert.deepEqual(treesOf(store), []);
});

for (const driver of ["overlay", "vfs"]) {
  test(`what skopeo put into a user's store of ${driver} is read and removed`, {
    skip: skipPeers,
  }, async () => {
    const { someone, layout, store } = await withImage();
    await using _ = someone;
    const env = { STORAGE_DRIVER: driver };
    await succeeds(someone.run("skopeo", ["copy", "-q", layout, stored], { env }));
    const listed = await succeeds(
      someone.amphora(["images", "--format", "{{.Repository}}"], { env }),
    );
    assert.equal(listed, "localhost/owned\n");
    const out = join(someone.home, "out");
    await succeeds(someone.amphora(["copy", "-q", stored, `dir:${out}`], { env }));
    const theirs = join(someone.home, "theirs");
    await succeeds(someone.run("skopeo", ["copy", "-q", stored, `dir:${theirs}`], { env }));
    const layers = readdirSync(theirs).filter((each) => /^[0-9a-f]{64}$/.test(each));
    assert.equal(layers.length, 3);
    for (const layer of layers)
      assert.deepEqual(readFileSync(join(out, layer)), readFileSync(join(theirs, layer)), layer);
    assert.deepEqual(ownersOf(join(out, "manifest.json")), [user.uid, user.uid]);
    await succeeds(someone.amphora(["rmi", name], { env }));
    const left = driver === "vfs" ? readdirSync(join(store, "vfs/dir")) : treesOf(store);
    assert.deepEqual(left, []);
  });
}

test("unpack gives a user's files the owners of his numbers", { skip }, async () => {
  const ranges = `${user.uid}:${user.firstId}:65536\n`;
  const { someone, layout } = await withImage({ subuid: ranges, subgid: ranges });
  await using _ = someone;
  const tree = join(someone.home, "tree");
  await succeeds(someone.amphora(["unpack", "-q", layout, tree]));
  assertOwned(tree);
  assert.deepEqual(readdirSync(join(tree, "home")), ["new"]);
});

test("a user without numbers has all that is unpacked for his own", { skip }, async () => {
  const { someone, layout } = await withImage({ subuid: "" });
  await using _ = someone;
  const tree = join(someone.home, "tree");
  const { exitCode, stderr } = await someone.amphora(["unpack", "-q", layout, tree]);
  assert.equal(exitCode, 0, stderr);
  assert.match(
    stderr,
    /no range in \/etc\/subuid for user amphora-user: all files will belong to you/,
  );
  assert.deepEqual(ownersOf(join(tree, "etc/shadow")), [user.uid, user.uid]);
  const env = { STORAGE_OPTS: "overlay.ignore_chown_errors=true", STORAGE_DRIVER: "overlay" };
  await succeeds(someone.amphora(["copy", "-q", layout, stored], { env }));
});

test("a user without numbers is told so, and can store what is root's alone", {
  skip,
}, async () => {
  for (const [ranges, told] of [
    [{ subuid: "" }, /no range in \/etc\/subuid for user amphora-user: only files of root/],
    [{ subgid: "root:1:2\n" }, /no range in \/etc\/subgid for user amphora-user/],
    [{ subuid: "", subgid: "" }, /no range in \/etc\/subuid and \/etc\/subgid for user/],
  ] as const) {
    const { someone, layout, store } = await withImage(ranges);
    await using _ = someone;
    const refused = await someone.amphora(["copy", layout, stored]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, told);
    assert.match(refused.stderr, /insufficient UIDs .*requested (0:42|1000:1000)/);
    if ("subgid" in ranges) continue;
    await writeLayoutFolder(someone.folder.in("plain"), plain, "t");
    const kept = await someone.amphora(["copy", `oci:${someone.folder.in("plain")}:t`, stored]);
    assert.equal(kept.exitCode, 0, kept.stderr);
    assert.match(kept.stderr, told);
    assert.deepEqual(treesOf(store).map(ownersOf), [[user.uid, user.uid]]);
    await succeeds(someone.amphora(["delete", stored]));
    assert.deepEqual(treesOf(store), []);
  }
});

test("what a user lacks for a namespace is named, before anything is read", { skip }, async () => {
  for (const { instead, missing } of [
    { instead: { "/usr/bin/newuidmap": "/dev/null" }, missing: /finding newuidmap: exec: / },
    { instead: { "/usr/bin/newgidmap": "plain" }, missing: /newgidmap: .*is not setuid root/ },
    {
      instead: { "/usr/bin/unshare": "refusing" },
      missing: /: unshare failed: No space left on device/,
    },
    {
      instead: { "/usr/bin/unshare": "refusing", "/proc/sys/user/max_user_namespaces": "zero" },
      missing: /sysctl user.max_user_namespaces is 0 \(/,
    },
  ]) {
    await using someone = await ordinaryUser();
    const made = (file: string) => (file.startsWith("/") ? file : someone.folder.in(file));
    writeFileSync(someone.folder.in("zero"), "0\n");
    const text = "#!/bin/sh\necho 'unshare: unshare failed: No space left on device' >&2\nexit 1\n";
    writeFileSync(someone.folder.in("refusing"), text);
    copyFileSync("/usr/bin/newgidmap", someone.folder.in("plain"));
    for (const file of ["refusing", "plain"]) chmodSync(someone.folder.in(file), 0o755);
    const places = Object.entries(instead).map(([to, from]) => [to, made(from)]);
    const absent = `oci:${someone.home}/absent:t`;
    const { exitCode, stderr } = await someone.amphora(["copy", absent, stored], {
      instead: Object.fromEntries(places),
    });
    assert.equal(exitCode, 1);
    assert.match(stderr, missing);
    assert.ok(!existsSync(join(someone.home, ".local")));
  }
});

test("as skopeo, a user without numbers is warned and tries", { skip: skipPeers }, async () => {
  const { someone, layout } = await withImage({ subuid: "", subgid: "" });
  await using _ = someone;
  const args = ["copy", "-q", layout, stored];
  const env = { STORAGE_DRIVER: "overlay" };
  const ours = await someone.amphora(args, { env: { ...env, AMPHORA_CALLED_AS: "skopeo" } });
  const theirs = await someone.run("skopeo", args, { env });
  const warnings = ({ stderr }: RunResult) =>
    stderr.split("\n").flatMap((line) => /level=warning .*/.exec(line) ?? []);
  assert.equal(warnings(theirs).length, 3);
  assert.deepEqual(warnings(ours), warnings(theirs));
  assert.deepEqual([ours.exitCode, theirs.exitCode], [1, 1]);
  // Which of the layers is the first to fail is chance.
  const reason =
    /potentially insufficient UIDs or GIDs available in user namespace \(requested (?:0:42|1000:1000)/;
  for (const { stderr } of [ours, theirs]) assert.match(stderr, reason);
});

test("the run goes on in the same process, with its descriptors", { skip }, async () => {
  const { someone, layout } = await withImage();
  await using _ = someone;
  const [node, main] = someone.program;
  const policy = join(someone.home, ".config/containers/policy.json");
  const script = `"$@" --policy /dev/fd/3 copy -q ${layout} ${stored} 3<${policy} </dev/null`;
  await succeeds(someone.run("sh", ["-c", script, "sh", node, main]));
  const archive = await succeeds(
    someone.run("sh", ["-c", `"$@" save ${name} | "$@" load`, "sh", node, main]),
  );
  assert.equal(archive, `Loaded image: ${name}\n`);
  const unnamed = someone.amphora(["rmi", "localhost/unknown:1"]);
  assert.equal((await unnamed).exitCode, 2);
});

test("a signal reaches the run in the namespace", { skip }, async () => {
  await using someone = await ordinaryUser();
  const fifo = join(someone.home, "fifo");
  await succeeds(someone.run("mkfifo", [fifo]));
  const [node, main] = someone.program;
  const [program = "", ...args] = someone.command(node, [main, "load", "--input", fifo]);
  const env = { ...someone.env, PATH: "/usr/bin:/bin" };
  const child = spawn(program, args, { env, stdio: "ignore", timeout: 300_000 });
  const ended = once(child, "exit");
  // Lets go of the writer where the program ends before it reads.
  const released = ended.then(() => open(fifo, constants.O_RDONLY | constants.O_NONBLOCK));
  // Opens as soon as the program, which is where it wants to be, opens it for reading.
  await using _writer = await open(fifo, "w");
  const map = readFileSync(`/proc/${child.pid}/uid_map`, "utf8").trim().split(/\s+/).map(Number);
  assert.deepEqual(map, [0, user.uid, 1, 1, user.firstId, 65_536]);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [130, null]);
  await (await released).close();
});
