import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { writeSetup } from "../../../src/cli/setup/write-setup.ts";
import { runCli } from "../../support/run-cli.ts";
import { tempFolder } from "../../support/temp.ts";

const podman = ["setup", "podman", "--endpoint", "https://registry.example"];
const conf = "etc/containers/registries.conf.d/900-amphora.conf";

test("setup prints every file under its path, and writes nothing", async () => {
  await using folder = await tempFolder();
  const { exitCode, stdout } = await runCli(podman, { cwd: folder.path });
  assert.equal(exitCode, 0);
  assert.ok(stdout.startsWith(`# /${conf}\n# Written by \`amphora setup podman\`.\n`), stdout);
  assert.deepEqual(await readdir(folder.path), []);
});

test("setup --write writes whole files, and says what it did", async () => {
  await using folder = await tempFolder();
  const write = (...more: readonly string[]) =>
    runCli([...podman, "--write", "--root", folder.path, ...more]);
  const first = await write();
  assert.equal(first.stdout.split("\n")[0], `Wrote ${folder.in(conf)}`);
  const text = await readFile(folder.in(conf), "utf8");
  const printed = await runCli(podman);
  assert.ok(printed.stdout.includes(text));
  assert.equal((await stat(folder.in(conf))).mode & 0o777, 0o644);
  assert.match((await write()).stdout, /^Unchanged: /);
  assert.match((await write("--registry", "quay.io")).stdout, /^Replaced /);
  assert.deepEqual(await readdir(dirname(folder.in(conf))), ["900-amphora.conf"]);
});

test("setup --write writes for everybody to read, whatever the umask", async () => {
  await using folder = await tempFolder();
  const before = process.umask(0o077);
  try {
    const path = "/etc/containers/registries.conf.d/900-amphora.conf";
    await writeSetup([{ path, text: "" }], { root: folder.path, force: false });
  } finally {
    process.umask(before);
  }
  const modeOf = async (path: string) => (await stat(folder.in(path))).mode & 0o777;
  assert.equal(await modeOf(conf), 0o644);
  for (const made of ["etc", "etc/containers", "etc/containers/registries.conf.d"])
    assert.equal(await modeOf(made), 0o755, made);
});

test("setup --write leaves what others wrote alone, and all else with it", async () => {
  await using folder = await tempFolder();
  const ca = folder.in("etc/containers/certs.d/registry.example/ca.crt");
  await mkdir(dirname(ca), { recursive: true });
  await writeFile(ca, "theirs");
  await writeFile(folder.in("ca.pem"), "-----BEGIN CERTIFICATE-----\n");
  const args = [...podman, "--write", "--root", folder.path, "--ca", folder.in("ca.pem")];
  const refused = await runCli(args);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /Refusing to overwrite .*ca\.crt/);
  assert.equal(await readFile(ca, "utf8"), "theirs");
  await assert.rejects(readFile(folder.in(conf)));
  const forced = await runCli([...args, "--force"]);
  assert.equal(forced.exitCode, 0, forced.stderr);
  assert.equal(await readFile(ca, "utf8"), "-----BEGIN CERTIFICATE-----\n");
});

test("setup is told the same registry twice, and leads it once", async () => {
  const twice = ["--registry", "docker.io,index.docker.io", "--registry", "docker.io"];
  const { stdout } = await runCli([...podman, ...twice]);
  assert.equal(stdout.match(/^prefix = /gm)?.length, 1);
  const refused = await runCli([...podman, "--registry", "docker.io=hub,docker.io"]);
  assert.match(refused.stderr, /two aliases for docker\.io/);
});

test("setup refuses what cannot be meant", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.in("empty"), "");
  const both = "-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n";
  await writeFile(folder.in("both"), both);
  for (const [args, said] of [
    [["setup"], /Exactly one argument expected/],
    [
      ["setup", "lxc", "--endpoint", "a"],
      /no client that can be set up: choose one of containerd, k3s/,
    ],
    [["setup", "docker"], /--endpoint is needed/],
    [["setup", "docker", "--endpoint", "https://a/b"], /wants the server's address/],
    [["setup", "docker", "--endpoint", "a", "--registry", "x"], /wants the host of a registry/],
    [["setup", "docker", "--endpoint", "a", "--ca", folder.in("empty")], /holds no certificate/],
    [["setup", "docker", "--endpoint", "a", "--ca", folder.in("both")], /holds a private key/],
    [["setup", "docker", "--endpoint", "a.test", "--force"], /are for --write/],
  ] as const) {
    const { exitCode, stderr, stdout } = await runCli(args);
    assert.deepEqual([exitCode, stdout], [1, ""], args.join(" "));
    assert.match(stderr, said);
  }
  const asSkopeo = await runCli(["setup"], { as: "skopeo" });
  assert.equal(asSkopeo.exitCode, 1);
});
