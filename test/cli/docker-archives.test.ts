import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { builtProgram } from "../support/built.ts";
import { writeImageFolder } from "../support/image-folder.ts";
import { makeImage } from "../support/images.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

let home: CliHome;
const main = await builtProgram();
const at = (...names: string[]) => home.folder.in(...names);

before(async () => {
  home = await cliHome();
  await writeImageFolder(at("image"), makeImage());
  await writeImageFolder(at("zstd"), makeImage({ type: "oci", compression: "zstd" }));
  const to = `docker-archive:${at("a.tar")}:n:t`;
  const made = await home.run(["copy", "--additional-tag", "m:u", `dir:${at("image")}`, to]);
  assert.equal(made.exitCode, 0, made.stderr);
});
after(() => home[Symbol.asyncDispose]());

/** Runs the program with bytes for standard input, and gives its standard output as bytes. */
async function pipe(args: readonly string[], input: Uint8Array) {
  const child = spawn(process.execPath, [main, ...args], { env: home.env, stdio: "pipe" });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const chunks: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const [code] = await once(child, "close");
  return { code, stderr, stdout: Buffer.concat(chunks) };
}

test("list-tags shows the names in an archive", async () => {
  const { stdout } = await home.run(["list-tags", `docker-archive:${at("a.tar")}`]);
  assert.equal(
    stdout,
    '{\n    "Tags": [\n        "docker.io/library/n:t",\n        "docker.io/library/m:u"\n    ]\n}\n',
  );
  const none = await home.run(["list-tags", "docker-archive:nowhere.tar"]);
  assert.match(none.stderr, /opening file .*nowhere.tar.*: no such file or directory/);
  assert.equal(none.exitCode, 1);
});

test("inspect and delete of archives and daemons answer as in skopeo", async () => {
  const inspected = await home.run(["inspect", `docker-archive:${at("a.tar")}:m:u`]);
  assert.equal(JSON.parse(inspected.stdout).Name, "docker.io/library/m");
  for (const name of [`docker-archive:${at("a.tar")}`, "docker-daemon:foo:x"]) {
    const { exitCode, stderr } = await home.run(["delete", name]);
    const transport = name.split(":", 1)[0];
    assert.match(stderr, new RegExp(`Deleting images not implemented for ${transport}: images`));
    assert.equal(exitCode, 1);
  }
});

test("an archive goes to standard output alone, and comes from standard input", async () => {
  const archive = await readFile(at("a.tar"));
  const packed = gzipSync(archive);
  const to = [
    "--insecure-policy",
    "copy",
    "docker-archive:/dev/stdin:n:t",
    "docker-archive:/dev/stdout:n:t",
  ];
  for (const input of [archive, packed]) {
    const { code, stderr, stdout } = await pipe(to, input);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Getting image source signatures\n/);
    const inspected = await pipe(["inspect", "docker-archive:/dev/stdin"], stdout);
    assert.equal(JSON.parse(inspected.stdout.toString()).Layers.length, 3);
  }
});

test("standard output may be a file", async () => {
  const file = openSync(at("redirected.tar"), "w");
  const child = spawn(
    process.execPath,
    [main, "copy", `dir:${at("image")}`, "docker-archive:/dev/stdout:n:t"],
    { env: home.env, stdio: ["ignore", file, "ignore"] },
  );
  assert.deepEqual(await once(child, "close"), [0, null]);
  closeSync(file);
  const { stdout } = await home.run(["list-tags", `docker-archive:${at("redirected.tar")}`]);
  assert.deepEqual(JSON.parse(stdout).Tags, ["docker.io/library/n:t"]);
});

test("what a pipe cannot take is put together in --tmpdir, and leaves nothing there", async () => {
  const args = ["copy", `dir:${at("zstd")}`, "docker-archive:/dev/stdout"];
  const refused = await pipe(args, Buffer.alloc(0));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /zstd compression is not officially supported for docker images/);
  assert.equal(refused.stdout.byteLength, 0);
  const { code, stdout, stderr } = await pipe(["--tmpdir", at(), ...args], Buffer.alloc(0));
  assert.equal(code, 0, stderr);
  const inspected = await pipe(["inspect", "docker-archive:/dev/stdin"], stdout);
  assert.equal(JSON.parse(inspected.stdout.toString()).Layers.length, 3);
  assert.deepEqual(
    (await readdir(at())).filter((name) => name.startsWith(".")),
    [],
  );
  assert.deepEqual(await home.leftInTemp(), []);
});
