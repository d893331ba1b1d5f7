import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { type RunResult, run } from "../support/run.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

const runtimes = ["runc", "crun"].flatMap((name) => {
  const path = [`/usr/bin/${name}`, `/usr/sbin/${name}`].find((each) => existsSync(each));
  return path === undefined ? [] : [path];
});

const script = `while read key rest; do
  case $key in Uid:|Groups:|NoNewPrivs:) echo $key $rest;; esac
done < /proc/self/status
echo "$GREETING $PWD"
echo x > /tmp/x && echo x > /data/x && echo wrote
echo x > /x || echo read-only`;

/** A shell and its libraries, from this machine. */
async function makeRootfs(folder: string): Promise<void> {
  const { stdout } = await run("ldd", ["/bin/sh"]);
  for (const path of ["/bin/sh", ...(stdout.match(/\/\S+/g) ?? [])]) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await copyFile(path, join(folder, path));
  }
  await mkdir(join(folder, "etc"));
  await writeFile(join(folder, "etc/passwd"), "root:x:0:0::/:/bin/sh\nalice:x:1000:1001::/:\n");
  await writeFile(join(folder, "etc/group"), "alice:x:1001:\nwheel:x:10:alice\n");
}

/** A `dir:` image of it that says how the program is to be run. */
async function makeShellImage(home: CliHome): Promise<string> {
  const rootfs = home.folder.in("made");
  await mkdir(rootfs);
  await makeRootfs(rootfs);
  const tar = home.folder.in("layer.tar");
  const packed = await run("tar", ["-C", rootfs, "--owner=0", "--group=0", "-cf", tar, "."]);
  assert.equal(packed.exitCode, 0, packed.stderr);
  const layer = await readFile(tar);
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: {
        User: "alice",
        Env: ["GREETING=hello there"],
        Entrypoint: ["/bin/sh", "-c"],
        Cmd: [script],
        WorkingDir: "/etc",
        Volumes: { "/data": {} },
      },
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
    }),
  );
  const described = (mediaType: string, bytes: Uint8Array) => {
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: described(mediaTypes.ociConfig, config),
    layers: [described(mediaTypes.ociLayer, layer)],
  };
  const image = home.folder.in("image");
  await mkdir(image);
  await writeFile(join(image, "version"), "Directory Transport Version: 1.1\n");
  await writeFile(join(image, "manifest.json"), JSON.stringify(manifest));
  await writeFile(join(image, digestOf(config).slice(7)), config);
  await rename(tar, join(image, digestOf(layer).slice(7)));
  return image;
}

/** Why this machine lets the runtime run nothing, not even what the runtime itself has for an example. */
async function cannotRun(runtime: string, home: CliHome): Promise<string | undefined> {
  const bundle = home.folder.in("example");
  await mkdir(bundle);
  await makeRootfs(join(bundle, "rootfs"));
  const spec = await run(runtime, ["spec"], { cwd: bundle });
  if (spec.exitCode !== 0) return spec.stderr;
  const path = join(bundle, "config.json");
  const config = JSON.parse(await readFile(path, "utf8"));
  config.process = { ...config.process, terminal: false, args: ["/bin/sh", "-c", "echo hello"] };
  await writeFile(path, JSON.stringify(config));
  const { stdout, stderr } = await runBundle(runtime, home, bundle);
  return stdout === "hello\n" ? undefined : stderr;
}

async function runBundle(runtime: string, home: CliHome, bundle: string): Promise<RunResult> {
  const state = home.folder.in("state");
  const name = `amphora-${process.pid}-${Date.now()}`;
  return await run(runtime, ["--root", state, "run", "--bundle", bundle, name]);
}

for (const runtime of runtimes) {
  const skip = skipUnprivileged();
  test(`a bundle runs under ${runtime}, on a root it cannot write`, {
    skip,
  }, async (t: TestContext) => {
    await using home = await cliHome();
    const why = await cannotRun(runtime, home);
    if (why !== undefined) return t.skip(`${runtime} runs nothing here: ${why}`);
    const image = await makeShellImage(home);
    const bundle = home.folder.in("bundle");
    const unpacked = await home.run(["unpack", "-q", "--bundle", `dir:${image}`, bundle]);
    assert.equal(unpacked.exitCode, 0, unpacked.stderr);
    const { stdout, stderr } = await runBundle(runtime, home, bundle);
    assert.deepEqual(
      stdout.split("\n").slice(0, -1),
      [
        "Uid: 1000 1000 1000 1000",
        "Groups: 10",
        "NoNewPrivs: 1",
        "hello there /etc",
        "wrote",
        "read-only",
      ],
      stderr,
    );
    assert.ok(!existsSync(join(bundle, "rootfs/x")));
  });
}
