import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { runOptions, skipContainers, whereContainersRun } from "../support/containers.ts";
import { Engine } from "../support/engine.ts";
import { type ImageStore, imageStore } from "../support/image-store.ts";
import { layerEntry, layerOf } from "../support/layers.ts";
import { writeLayoutFolder } from "../support/layout-folder.ts";
import { imageOfTars } from "../support/odd-layers.ts";
import { ordinaryUser, skipUsers } from "../support/ordinary-user.ts";
import { requirePeer } from "../support/peers.ts";
import { type RunResult, run } from "../support/run.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

const skip = skipContainers();
const root = { uid: 0, gid: 0 };
const folders = ["bin", "etc", "proc", "sys", "dev", "run", "tmp"].map((name) =>
  layerEntry({ name: `${name}/`, type: "5", mode: name === "tmp" ? 0o1777 : 0o755, ...root }),
);

/** busybox in one layer, what it reads in another that also takes a file away. */
function busyboxImage(said: string) {
  const program = readFileSync(requirePeer("busybox"));
  return imageOfTars([
    layerOf(
      ...folders,
      layerEntry({ name: "bin/busybox", mode: 0o755, ...root }, program),
      layerEntry({ name: "bin/cat", type: "1", mode: 0o755, linkName: "bin/busybox", ...root }),
      layerEntry({ name: "etc/gone", ...root }, "of the first layer"),
    ),
    layerOf(
      layerEntry({ name: "etc/said", mode: 0o600, ...root }, said),
      layerEntry({ name: "etc/.wh.gone", ...root }),
    ),
  ]);
}

const read = ["/bin/cat", "/etc/said"];

/** podman with its global options; what it keeps of containers in `folder`. */
async function podman(
  folder: TempFolder,
  options: readonly string[],
  args: readonly string[],
  { env = {}, readOnly = "" } = {},
): Promise<RunResult> {
  await mkdir(folder.in("tmp"), { recursive: true });
  const own = ["--tmpdir", folder.in("libpod"), "--events-backend", "none"];
  const words = [...options, ...own, "--cgroup-manager", "cgroupfs", ...args];
  const [program, ...rest] = whereContainersRun([requirePeer("podman"), ...words], readOnly);
  const places = { HOME: folder.path, XDG_RUNTIME_DIR: folder.path, TMPDIR: folder.in("tmp") };
  return await run(program, rest, { env: { ...places, ...env }, timeoutMs: 120_000 });
}

/** The options for a store. */
function on({ driver, root, runroot }: ImageStore): readonly string[] {
  return ["--root", root, "--runroot", runroot, "--storage-driver", driver];
}

function output({ exitCode, stdout, stderr }: RunResult): string {
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

for (const driver of ["overlay", "vfs"] as const) {
  test(`${driver}: podman runs what we put into its store`, { skip }, async () => {
    await using folder = await tempFolder();
    await using store = await imageStore(driver);
    await using engine = new Engine();
    await writeLayoutFolder(folder.in("layout"), busyboxImage("ran"));
    await engine.copy(`oci:${folder.in("layout")}`, store.reference("localhost/busy:1"));
    const say = ["run", ...runOptions, "localhost/busy:1", ...read];
    assert.equal(output(await podman(folder, on(store), say)), "ran");
    const list = ["run", ...runOptions, "localhost/busy:1", "/bin/busybox", "ls", "/etc"];
    assert.ok(!output(await podman(folder, on(store), list)).includes("gone"));
    output(await podman(folder, on(store), ["rmi", "localhost/busy:1"]));
    assert.deepEqual(await (await store.open()).layers(), []);
  });
}

test("podman runs what is in a store of ours that it only reads, while we go on", {
  skip,
}, async () => {
  await using folder = await tempFolder();
  await using store = await imageStore("overlay");
  await using engine = new Engine();
  for (const said of ["first", "second"])
    await writeLayoutFolder(folder.in(said), busyboxImage(said));
  const put = (said: string) =>
    engine.copy(`oci:${folder.in(said)}`, store.reference(`localhost/${said}:1`));
  await put("first");
  const conf = `[storage]\ndriver = "overlay"
graphroot = "${folder.in("own")}"\nrunroot = "${folder.in("own-run")}"
[storage.options]\nadditionalimagestores = ["${store.root}"]\n`;
  writeFileSync(folder.in("storage.conf"), conf);
  const where = {
    env: { CONTAINERS_STORAGE_CONF: folder.in("storage.conf") },
    readOnly: store.root,
  };
  const say = (said: string) => ["run", ...runOptions, `localhost/${said}:1`, ...read];
  const [first] = await Promise.all([podman(folder, [], say("first"), where), put("second")]);
  assert.equal(output(first), "first");
  assert.equal(output(await podman(folder, [], say("second"), where)), "second");
});

test("an ordinary user's podman runs what that user's amphora pulled", {
  skip: skip || skipUsers(),
}, async () => {
  await using someone = await ordinaryUser();
  const layout = someone.folder.in("image");
  await writeLayoutFolder(layout, busyboxImage("ran by its user"), "t");
  chmodSync(someone.folder.path, 0o755);
  const stored = "containers-storage:localhost/busy:1";
  output(await someone.amphora(["copy", "-q", `oci:${layout}:t`, stored]));
  const say = ["run", ...runOptions, "localhost/busy:1", ...read];
  const [program, ...args] = whereContainersRun(someone.command("podman", say));
  const env = { ...someone.env, STORAGE_DRIVER: "overlay" };
  assert.equal(output(await run(program, args, { env, timeoutMs: 120_000 })), "ran by its user");
});
