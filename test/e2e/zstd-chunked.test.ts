import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";

interface Layer {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const chunked = ["--dest-compress-format", "zstd:chunked"];
const force = "--dest-force-compress-format";

async function world() {
  const registry = await startRegistry();
  const home = await cliHome();
  const copy = async (from: string, tag: string, ...flags: readonly string[]) => {
    const to = `docker://${registry.host}/to:${tag}`;
    const lax = ["-q", "--src-tls-verify=false", "--dest-tls-verify=false"];
    const run = await home.run(["copy", ...lax, ...flags, from, to]);
    return { ...run, to };
  };
  return {
    registry,
    home,
    copy,
    async layers(name: string): Promise<readonly Layer[]> {
      const run = await home.run(["inspect", "--raw", "--tls-verify=false", name]);
      return (JSON.parse(run.stdout) as { layers: Layer[] }).layers;
    },
    async [Symbol.asyncDispose]() {
      await home[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

test("layers become zstd:chunked where that is asked for, and stay it where zstd is", async () => {
  await using the = await world();
  the.registry.seed("made", "v1", makeImage({ seed: 1 }));
  const from = `docker://${the.registry.host}/made:v1`;
  const first = await the.copy(from, "chunked", ...chunked, force);
  assert.equal(first.exitCode, 0, first.stderr);
  const layers = await the.layers(first.to);
  for (const { mediaType, annotations = {} } of layers) {
    assert.equal(mediaType, "application/vnd.oci.image.layer.v1.tar+zstd");
    assert.deepEqual(Object.keys(annotations).toSorted(), [
      "io.github.containers.zstd-chunked.manifest-checksum",
      "io.github.containers.zstd-chunked.manifest-position",
      "io.github.containers.zstd-chunked.tarsplit-position",
    ]);
  }
  for (const format of ["zstd", "zstd:chunked"]) {
    const again = await the.copy(first.to, "again", "--dest-compress-format", format, force);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.deepEqual(await the.layers(again.to), layers, format);
  }
  const gzip = await the.copy(first.to, "gzip", "--dest-compress-format", "gzip", force);
  for (const { mediaType, annotations } of await the.layers(gzip.to)) {
    assert.match(mediaType, /gzip$/);
    assert.equal(annotations, undefined, "nothing is said of bytes that are no more");
  }
});

test("plain zstd is made zstd:chunked, and unpacks to the same", async () => {
  await using the = await world();
  the.registry.seed("made", "v1", makeImage({ seed: 2, type: "oci", compression: "zstd" }));
  const from = `docker://${the.registry.host}/made:v1`;
  const { to, exitCode, stderr } = await the.copy(from, "chunked", ...chunked, force);
  assert.equal(exitCode, 0, stderr);
  const layers = await the.layers(to);
  assert.ok(layers.every(({ annotations }) => Object.keys(annotations ?? {}).length === 3));
  const dir = the.home.folder.in("dir");
  const plain = ["--src-tls-verify=false", "--dest-decompress", to, `dir:${dir}`];
  assert.equal((await the.home.run(["copy", "-q", ...plain])).exitCode, 0);
  const manifest = JSON.parse(await readFile(`${dir}/manifest.json`, "utf8")) as {
    layers: Layer[];
    config: Layer;
  };
  const config = await readFile(`${dir}/${manifest.config.digest.slice(7)}`, "utf8");
  const { diff_ids } = (JSON.parse(config) as { rootfs: { diff_ids: string[] } }).rootfs;
  assert.deepEqual(
    manifest.layers.map(({ digest }) => digest),
    diff_ids,
  );
});

test("a manifest that cannot say it is refused before a byte moves", async () => {
  await using the = await world();
  the.registry.seed("made", "v1", makeImage({ seed: 3 }));
  const from = `docker://${the.registry.host}/made:v1`;
  the.registry.log.clear();
  const { exitCode, stderr } = await the.copy(from, "x", ...chunked, force, "--format", "v2s2");
  assert.equal(exitCode, 1);
  assert.match(stderr, /compression using zstd:chunked .*v2\+json, which does not support it/);
  assert.ok(!the.registry.log.trace().includes("GET blob"));
});
