import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Digest, digestOf, hexOf } from "../../src/core/digest.ts";
import { builtProgram } from "../support/built.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { Engine } from "../support/engine.ts";
import { type ImageStore, imageStore } from "../support/image-store.ts";
import { makeImage } from "../support/images.ts";
import { writeLayoutFolder } from "../support/layout-folder.ts";
import { imageOfTars, oddTar } from "../support/odd-layers.ts";
import { requirePeer, skipWithout } from "../support/peers.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { hang } from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";
import { type RunResult, run } from "../support/run.ts";
import { skopeo } from "../support/skopeo.ts";
import { tempFolder } from "../support/temp.ts";

const skip = skipWithout("skopeo", "podman", "docker-registry") || skipUnprivileged();
const drivers = ["overlay", "vfs"] as const;

/** Runs podman upon a store. */
async function podman(store: ImageStore, ...args: readonly string[]): Promise<string> {
  await using home = await tempFolder();
  await mkdir(home.in("tmp"));
  const { driver, root, runroot } = store;
  const places = ["--root", root, "--runroot", runroot, "--tmpdir", home.in("libpod")];
  const kinds = ["--storage-driver", driver, "--events-backend", "none"];
  const result = await run(requirePeer("podman"), [...places, ...kinds, ...args], {
    env: { HOME: home.path, XDG_RUNTIME_DIR: home.path, TMPDIR: home.in("tmp") },
  });
  return succeeded(result);
}

function succeeded({ exitCode, stdout, stderr }: RunResult): string {
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

async function layersIn(folder: string): Promise<readonly Digest[]> {
  const { layers } = JSON.parse(await readFile(`${folder}/manifest.json`, "utf8"));
  for (const { digest } of layers) {
    assert.equal(digestOf(await readFile(`${folder}/${hexOf(digest)}`)), digest);
  }
  return layers.map(({ digest }: { readonly digest: Digest }) => digest);
}

for (const driver of drivers) {
  test(`${driver}: podman and skopeo use what was pulled from a registry, and remove it`, {
    skip,
  }, async () => {
    await using folder = await tempFolder();
    await using registry = await startDockerRegistry();
    await using store = await imageStore(driver);
    await using engine = new Engine();
    const tars = [await oddTar(1), await oddTar(2)];
    const image = imageOfTars(tars);
    await writeLayoutFolder(folder.in("layout"), image);
    const remote = `docker://${registry.host}/odd:1`;
    await engine.copy(`oci:${folder.in("layout")}`, remote);
    await engine.copy(remote, store.reference("odd:1"));

    const inspect = ["image", "inspect", "--format", "{{.Id}} {{.Digest}}", "odd:1"];
    const id = hexOf(image.config?.digest as Digest);
    assert.equal(await podman(store, ...inspect), `${id} ${image.digest}`);
    const mounted = await podman(store, "image", "mount", "odd:1");
    const expected = Buffer.alloc(300_000);
    assert.deepEqual(await readFile(`${mounted}/zeros`), expected);
    await podman(store, "image", "unmount", "odd:1");
    await podman(store, "save", "--quiet", "-o", folder.in("saved.tar"), "odd:1");

    const diffIds = tars.map((tar) => digestOf(tar));
    succeeded(await skopeo(["copy", "-q", store.reference("odd:1"), `dir:${folder.in("dir")}`]));
    assert.deepEqual(await layersIn(folder.in("dir")), diffIds);
    await engine.copy(store.reference("odd:1"), `docker://${registry.host}/back:1`);
    await engine.copy(`docker://${registry.host}/back:1`, store.reference("back:1"));

    await podman(store, "rmi", "odd:1", "back:1");
    assert.equal(await podman(store, "images", "--quiet"), "");
    assert.deepEqual(await (await store.open()).layers(), []);
  });

  test(`${driver}: what podman built and skopeo pulled comes out as it is there`, {
    skip,
  }, async () => {
    await using folder = await tempFolder();
    await using store = await imageStore(driver);
    await using engine = new Engine();
    await writeLayoutFolder(folder.in("layout"), makeImage({ type: "oci", seed: 21 }));
    const pulled = ["copy", "-q", `oci:${folder.in("layout")}`, store.reference("x:1")];
    succeeded(await skopeo(pulled));
    const container = await podman(store, "create", "x:1");
    await podman(store, "cp", folder.in("layout", "index.json"), `${container}:/added`);
    await podman(store, "commit", "--quiet", container, "built:1");
    for (const [name, count] of [
      ["x:1", 3],
      ["localhost/built:1", 4],
    ] as const) {
      const [own, theirs] = [folder.in(`own-${count}`), folder.in(`theirs-${count}`)];
      await engine.copy(store.reference(name), `dir:${own}`);
      succeeded(await skopeo(["copy", "-q", store.reference(name), `dir:${theirs}`]));
      const layers = await layersIn(own);
      assert.equal(layers.length, count);
      assert.deepEqual(layers, await layersIn(theirs));
    }
  });
}

test("writers of both kinds at once leave a store whole", { skip }, async () => {
  await using folder = await tempFolder();
  await using store = await imageStore("overlay");
  await using engine = new Engine();
  const images = Array.from({ length: 8 }, (_, index) => {
    const shared = makeImage({ type: "oci", seed: 30, layers: 2 });
    return {
      name: `image-${index}:1`,
      image: index % 2 === 0 ? shared : makeImage({ type: "oci", seed: 31 + index }),
    };
  });
  const sources: string[] = [];
  for (const [index, { image }] of images.entries()) {
    await writeLayoutFolder(folder.in(`layout-${index}`), image);
    sources.push(`oci:${folder.in(`layout-${index}`)}`);
  }
  await Promise.all(
    images.map(async ({ name }, index) => {
      const [source = "", target] = [sources[index], store.reference(name)];
      if (index % 4 < 2) await engine.copy(source, target);
      else succeeded(await skopeo(["copy", "-q", source, target]));
    }),
  );
  for (const [index, { name, image }] of images.entries()) {
    await engine.copy(store.reference(name), `dir:${folder.in(`out-${index}`)}`);
    assert.equal((await layersIn(folder.in(`out-${index}`))).length, image.layers.length);
  }
  assert.equal((await podman(store, "images", "--noheading")).split("\n").length, 8);
});

test("a pull that was killed leaves its whole layers, and nothing that others stumble over", {
  skip,
}, async () => {
  await using store = await imageStore("overlay");
  await using home = await tempFolder();
  await using registry = await startRegistry();
  await using engine = new Engine();
  const image = makeImage({ type: "oci", seed: 40 });
  registry.seed("x", "1", image);
  const last = image.layers.at(-1)?.digest;
  registry.behave({ on: ({ reference }) => reference === last, fault: hang() });
  const source = `docker://${registry.host}/x:1`;
  const copying = ["--insecure-policy", "copy", "--src-tls-verify=false", source];
  const child = spawn(
    process.execPath,
    [await builtProgram(), ...copying, store.reference("x:1")],
    {
      env: { HOME: home.path, PATH: "/usr/bin:/bin" },
      stdio: "ignore",
    },
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  while ((await (await store.open()).layers()).length < 2 && child.exitCode === null) {
    await setTimeout(20);
  }
  child.kill("SIGKILL");
  await ended;
  assert.equal(child.signalCode, "SIGKILL");
  assert.equal(await podman(store, "images", "--quiet"), "");
  assert.equal((await (await store.open()).layers()).length, 2);
  registry.behaveWell();
  await engine.copy(source, store.reference("x:1"));
  const adopted = engine.events.filter(({ type }) => type === "blob-adopted");
  assert.equal(adopted.length, 2);
  assert.deepEqual(await readdir(`${store.root}/overlay/tempdirs`), []);
  await engine.copy(store.reference("x:1"), `dir:${home.in("out")}`);
  assert.equal((await layersIn(home.in("out"))).length, 3);
});
