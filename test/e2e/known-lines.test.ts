import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { type ConnectProxy, startConnectProxy } from "../support/connect-proxy.ts";
import { makeImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";
import { makePki, type Pki } from "../support/tls.ts";

const needed = { skip: skipWithout("openssl"), timeout: 300_000 };
const image = makeImage({ seed: 130 });

/** A machine on which Docker Hub can be reached, behind a proxy: it is a registry here, with a certificate for the name. */
interface Hub extends AsyncDisposable {
  readonly registry: Registry;
  readonly home: CliHome;
  readonly proxy: ConnectProxy;
  /** Runs a command line as skopeo in the home; fails unless it goes well. Gives its output. */
  work(line: string): Promise<string>;
}

async function hub(): Promise<Hub> {
  const pki: Pki = await makePki();
  const registry = await startRegistry({ tls: { key: pki.server.key, cert: pki.server.cert } });
  const proxy = await startConnectProxy({ "registry-1.docker.io:443": registry.port });
  const home = await cliHome();
  registry.seed("library/fedora", "latest", image);
  registry.seed("library/busybox", "latest", image);
  const env = { HTTPS_PROXY: proxy.url, SSL_CERT_FILE: pki.ca.certPath };
  return {
    registry,
    home,
    proxy,
    async work(line) {
      const cwd = home.folder.in("home");
      const result = await home.run(line.split(" "), { as: "skopeo", cwd, env });
      assert.equal(result.exitCode, 0, result.stderr);
      return result.stdout;
    },
    async [Symbol.asyncDispose]() {
      for (const part of [home, proxy, registry, pki]) await part[Symbol.asyncDispose]();
    },
  };
}

test("inspect docker://docker.io/fedora", needed, async () => {
  await using there = await hub();
  const told = JSON.parse(await there.work("inspect docker://docker.io/fedora"));
  assert.equal(told.Name, "docker.io/library/fedora");
  assert.equal(told.Digest, image.digest);
  assert.deepEqual(told.RepoTags, ["latest"]);
  assert.deepEqual([...new Set(there.proxy.asked)], ["registry-1.docker.io:443"]);
});

test(
  "inspect --config docker://docker.io/fedora, and its digest by a template",
  needed,
  async () => {
    await using there = await hub();
    const config = JSON.parse(await there.work("inspect --config docker://docker.io/fedora"));
    assert.equal(config.os, "linux");
    const line = "inspect --format {{.Digest}} docker://docker.io/fedora:latest";
    assert.equal(await there.work(line), `${image.digest}\n`);
  },
);

test("list-tags docker://docker.io/fedora", needed, async () => {
  await using there = await hub();
  const told = JSON.parse(await there.work("list-tags docker://docker.io/fedora"));
  assert.deepEqual(told, { Repository: "docker.io/library/fedora", Tags: ["latest"] });
});

test("copy docker://busybox:latest dir:existingemptydirectory", needed, async () => {
  await using there = await hub();
  const folder = there.home.folder.in("home", "existingemptydirectory");
  await mkdir(folder);
  await there.work("copy docker://busybox:latest dir:existingemptydirectory");
  const hexes = [...image.blobs.keys()].map((digest) => digest.slice("sha256:".length));
  assert.deepEqual((await readdir(folder)).sort(), [...hexes, "manifest.json", "version"].sort());
});

test("copy docker://busybox:latest oci:busybox_ocilayout:latest", needed, async () => {
  await using there = await hub();
  await there.work("copy docker://busybox:latest oci:busybox_ocilayout:latest");
  const path = there.home.folder.in("home", "busybox_ocilayout", "index.json");
  const { manifests } = JSON.parse(await readFile(path, "utf8"));
  assert.equal(manifests[0].annotations["org.opencontainers.image.ref.name"], "latest");
});

test("delete docker://localhost:PORT/imagename:latest", async () => {
  await using registry = await startRegistry();
  await using home = await cliHome();
  const location = `localhost:${registry.port}`;
  await home.write(
    ".config/containers/registries.conf",
    `[[registry]]\nlocation = "${location}"\ninsecure = true\n`,
  );
  registry.seed("imagename", "latest", image);
  const line = ["delete", `docker://${location}/imagename:latest`];
  const { exitCode, stdout, stderr } = await home.run(line, { as: "skopeo" });
  assert.deepEqual([exitCode, stdout, stderr], [0, "", ""]);
  assert.equal(registry.store.open("imagename").resolve("latest"), undefined);
});

test("copy of docker.io's images from a registry that registries.conf names", async () => {
  await using registry = await startRegistry();
  await using home = await cliHome();
  await home.write(
    ".config/containers/registries.conf",
    `[[registry]]\nprefix = "docker.io"\nlocation = "${registry.host}"\ninsecure = true\n`,
  );
  registry.seed("library/busybox", "latest", image);
  const cwd = home.folder.in("home");
  const lines = [
    "copy docker://busybox:latest oci:busybox_ocilayout:latest",
    "inspect --no-tags docker://docker.io/busybox",
  ];
  for (const line of lines) {
    const { exitCode, stderr } = await home.run(line.split(" "), { as: "skopeo", cwd });
    assert.equal(exitCode, 0, stderr);
  }
});
