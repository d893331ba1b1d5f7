import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { layoutMembers, tarWith } from "../support/archives.ts";
import { builtProgram } from "../support/built.ts";
import { makeImage } from "../support/images.ts";
import { cliHome } from "../support/run-cli.ts";

const exec = promisify(execFile);
const image = makeImage({ seed: 161, type: "oci", layerBytes: 6_000_000, layers: 2 });
const { index, marker, manifests, blobs } = layoutMembers({ v1: image });
const sorted = blobs.toSorted((a, b) => (a.name < b.name ? -1 : 1));
const indexFirst = tarWith(marker, index, ...manifests, ...sorted);
const indexLast = tarWith(...sorted, ...manifests, index, marker);

test("an archive comes through standard input and goes out through standard output", async () => {
  await using home = await cliHome();
  const [one, two] = [home.folder.in("one.tar"), home.folder.in("two.tar")];
  await writeFile(one, indexFirst);
  const script = `cat "$1" | "$3" "$4" copy oci-archive:/dev/stdin:v1 oci-archive:/dev/stdout:v2 2> "$2.err" | cat > "$2"`;
  const args = ["-c", script, "sh", one, two, process.execPath, await builtProgram()];
  await exec("bash", ["-o", "pipefail", ...args], { env: home.env });
  assert.match(await readFile(`${two}.err`, "utf8"), /^Getting image source signatures\n/);
  const { stdout } = await home.run(["inspect", "--raw", `oci-archive:${two}:v2`]);
  assert.equal(stdout, Buffer.from(image.bytes).toString());
  assert.deepEqual(await home.leftInTemp(), []);
});

test("a pipe with its index last needs --tmpdir, and leaves nothing there", async () => {
  await using home = await cliHome();
  const { folder } = home;
  for (const input of [indexLast, gzipSync(indexLast)]) {
    const copy = ["copy", "oci-archive:/dev/stdin", `dir:${folder.in("out")}`];
    const refused = await home.run(copy, { input });
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /can be read only once/);
    const { exitCode, stderr } = await home.run(["--tmpdir", folder.in("tmp"), ...copy], { input });
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(await home.leftInTemp(), []);
  }
  assert.deepEqual(await readFile(folder.in("out", "manifest.json")), Buffer.from(image.bytes));
});

test("layers are not compressed anew on their way into a pipe, and who asks for it is told", async () => {
  await using home = await cliHome();
  const [from, to] = [home.folder.in("one.tar"), home.folder.in("two.tar")];
  await writeFile(from, indexLast);
  const copy = ["copy", "--dest-compress-format", "zstd", `oci-archive:${from}`];
  const refused = await home.run([...copy, "oci-archive:/dev/stdout"]);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /cannot be compressed by zstd/);
  const { exitCode, stderr } = await home.run([...copy, `oci-archive:${to}`]);
  assert.equal(exitCode, 0, stderr);
});

test("tars become an image, from files and from standard input", async () => {
  await using home = await cliHome();
  const tar = tarWith({ name: "file", bytes: Buffer.from("content") });
  await writeFile(home.folder.in("a.tar"), tar);
  const archive = home.folder.in("x.tar");
  const args = ["copy", `tarball:${home.folder.in("a.tar")}:-`, `oci-archive:${archive}`];
  const { exitCode, stderr } = await home.run(args, { input: gzipSync(tar) });
  assert.equal(exitCode, 0, stderr);
  const { stdout } = await home.run(["inspect", "--raw", `oci-archive:${archive}`]);
  assert.equal(JSON.parse(stdout).layers.length, 2);
});

test("what cannot be is refused in skopeo's words", async () => {
  await using home = await cliHome();
  await writeFile(home.folder.in("a.tar"), indexLast);
  const archive = `oci-archive:${home.folder.in("a.tar")}`;
  const only = "Only supported: docker, docker-archive";
  const table: readonly (readonly [string, string])[] = [
    ["inspect sif:x.sif", 'The transport "sif:" is not supported in this build'],
    [`delete ${archive}`, "Deleting images not implemented for oci: images"],
    [`list-tags ${archive}`, `Unsupported transport 'oci-archive' for tag listing. ${only}`],
    ["list-tags tarball:a", `Unsupported transport 'tarball' for tag listing. ${only}`],
    ["list-tags sif:a", `Unsupported transport 'sif' for tag listing. ${only}`],
    [`inspect ${archive}:v2`, 'no descriptor found for reference "v2"'],
    [`copy ${archive} tarball:${home.folder.in("a.tar")}`, "can only be read from, not written to"],
  ];
  for (const [line, text] of table) {
    const { exitCode, stderr } = await home.run(line.split(" "), { as: "skopeo" });
    assert.equal(exitCode, line.endsWith(":v2") ? 2 : 1, line);
    assert.ok(stderr.replaceAll('\\"', '"').includes(text), stderr);
  }
  await access(home.folder.in("a.tar"));
  assert.deepEqual(await readdir(home.folder.in("tmp")), []);
});
