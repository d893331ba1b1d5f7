import assert from "node:assert/strict";
import { chmod, cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { makeImage } from "../support/images.ts";
import { requirePeer, skipWithout } from "../support/peers.ts";
import type { SignaturesApi } from "../support/registry/signatures.ts";
import { startRegistry } from "../support/registry.ts";
import { type RunResult, run } from "../support/run.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";
import { skopeo } from "../support/skopeo.ts";
import { WebFolder } from "../support/web-folder.ts";

const skip = skipWithout("skopeo", "docker-registry", "gpg");

suite("signatures between this and skopeo", { skip }, () => {
  let home: CliHome;
  let registry: DockerRegistry;
  let env: Readonly<Record<string, string>>;
  let at: (...names: readonly string[]) => string;

  before(async () => {
    home = await cliHome();
    registry = await startDockerRegistry();
    at = (...names) => home.folder.in(...names);
    env = { GNUPGHOME: at("gpg") };
    await mkdir(at("gpg"));
    await chmod(at("gpg"), 0o700);
    const key = ["--quick-gen-key", "ann@example.com", "ed25519", "sign", "never"];
    await gpg(["--passphrase", "", ...key]);
    await gpg(["--export", "--output", at("ann.gpg")]);
    await useRegistries("plain", `default-docker: {lookaside: "file://${at("look")}"}`);
    await makeSource();
  });

  after(async () => {
    await run("/usr/bin/gpgconf", ["--kill", "all"], { env });
    await registry[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  const gpg = async (args: readonly string[]) =>
    succeed(await run(requirePeer("gpg"), ["--batch", "--yes", ...args], { env }));

  /** Writes a registries.d of its own. */
  async function useRegistries(name: string, text: string): Promise<string> {
    await mkdir(at(name), { recursive: true });
    await writeFile(at(name, "a.yaml"), text);
    return at(name);
  }

  /** An unsigned image, in a folder. */
  async function makeSource(): Promise<void> {
    await using own = await startRegistry();
    own.seed("a", "v1", makeImage({ seed: 60, layerBytes: 3000 }));
    succeed(
      await ours("plain", [
        "copy",
        "--src-tls-verify=false",
        `docker://${own.host}/a:v1`,
        `dir:${at("source")}`,
      ]),
    );
  }

  const ours = (registries: string, args: readonly string[]) =>
    home.run(["--registries.d", at(registries), ...args], { env });
  const theirs = (registries: string, args: readonly string[]) =>
    skopeo(["--registries.d", at(registries), ...args], { env });
  const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  const image = (name: string) => `docker://${registry.host}/${name}`;
  const signaturesIn = async (folder: string) => {
    const names = (await readdir(at(folder))).filter((name) => name.startsWith("signature-"));
    return await Promise.all(names.sort().map((name) => readFile(at(folder, name))));
  };

  test("skopeo's signature is read here, carried, and accepted by skopeo", async () => {
    const signing = ["--sign-by", "ann@example.com"];
    succeed(
      await theirs("plain", [
        "copy",
        ...insecure,
        ...signing,
        `dir:${at("source")}`,
        image("a:v1"),
      ]),
    );
    succeed(await ours("plain", ["copy", ...insecure, image("a:v1"), `dir:${at("ours")}`]));
    const [signature] = await signaturesIn("ours");
    assert.ok(signature && signature.length > 100);
    succeed(await ours("plain", ["copy", ...insecure, image("a:v1"), image("b:v1")]));
    const requirement = {
      type: "signedBy",
      keyType: "GPGKeys",
      keyPath: at("ann.gpg"),
      signedIdentity: { type: "exactReference", dockerReference: `${registry.host}/a:v1` },
    };
    await writeFile(at("policy.json"), JSON.stringify({ default: [requirement] }));
    const copyB = [
      "--policy",
      at("policy.json"),
      "--registries.d",
      at("plain"),
      "copy",
      ...insecure,
    ];
    const verified = await run(
      requirePeer("skopeo"),
      [...copyB, image("b:v1"), `dir:${at("theirs")}`],
      { env: { ...env, HOME: at("home") } },
    );
    succeed(verified);
    assert.deepEqual(await signaturesIn("theirs"), [signature]);
    const trusting = (from: string) =>
      home.run([
        "--policy",
        at("policy.json"),
        "--registries.d",
        at("plain"),
        "copy",
        ...insecure,
        from,
        `dir:${at("own")}`,
      ]);
    succeed(await trusting(image("b:v1")));
    const unsigned = await home.run([
      "--policy",
      at("policy.json"),
      "--registries.d",
      at("nowhere"),
      "copy",
      ...insecure,
      image("b:v1"),
      `dir:${at("no")}`,
    ]);
    assert.match(
      unsigned.stderr,
      /Source image rejected: A signature was required, but no signature exists/,
    );
    succeed(await theirs("plain", ["copy", ...insecure, `dir:${at("ours")}`, image("c:v1")]));
    succeed(await ours("plain", ["copy", ...insecure, image("c:v1"), `dir:${at("c")}`]));
    assert.deepEqual(await signaturesIn("c"), [signature]);
  });

  test("what was written to a folder is read over http by both", async () => {
    await using web = await WebFolder.start();
    for (const entry of await readdir(at("look"), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      web.files.set(path.slice(at("look").length), await readFile(path));
    }
    await useRegistries("web", `default-docker: {lookaside: "${web.origin}/"}`);
    for (const [name, tool] of [
      ["w1", ours],
      ["w2", theirs],
    ] as const) {
      succeed(await tool("web", ["copy", ...insecure, image("a:v1"), `dir:${at(name)}`]));
      assert.deepEqual(await signaturesIn(name), await signaturesIn("ours"));
    }
  });

  test("attachments written by one are read and kept by the other", async () => {
    await useRegistries("attach", "default-docker: {use-sigstore-attachments: true}");
    const envelope = (text: string) => {
      const annotations = { "dev.cosignproject.cosign/signature": text };
      const mimeType = "application/vnd.dev.cosign.simplesigning.v1+json";
      const payload = Buffer.from(text).toString("base64");
      return `\0sigstore-json\n${JSON.stringify({ mimeType, payload, annotations })}`;
    };
    const place = async (folder: string, text: string) => {
      await cp(at("source"), at(folder), { recursive: true });
      await writeFile(at(folder, "signature-1"), envelope(text));
    };
    await place("s1", "one");
    await place("s2", "two");
    succeed(await ours("attach", ["copy", ...insecure, `dir:${at("s1")}`, image("s:v1")]));
    succeed(await theirs("attach", ["copy", ...insecure, `dir:${at("s2")}`, image("s:v1")]));
    succeed(await ours("attach", ["copy", ...insecure, `dir:${at("s1")}`, image("s:v1")]));
    for (const [name, tool] of [
      ["r1", ours],
      ["r2", theirs],
    ] as const) {
      succeed(await tool("attach", ["copy", ...insecure, image("s:v1"), `dir:${at(name)}`]));
      const read = (await signaturesIn(name)).map((bytes) => bytes.toString("latin1"));
      assert.deepEqual(read, [envelope("one"), envelope("two")], name);
    }
  });

  test("the API of a registry is read and written by both", async () => {
    const lists = new Map<string, unknown[]>();
    const signatures: SignaturesApi = { announced: "1", lists };
    await using own = await startRegistry({ features: { signatures } });
    const there = `docker://${own.host}/x:v1`;
    succeed(await ours("plain", ["copy", ...insecure, `dir:${at("ours")}`, there]));
    succeed(await theirs("plain", ["copy", ...insecure, `dir:${at("ours")}`, there]));
    assert.equal([...lists.values()].flat().length, 1);
    for (const [name, tool] of [
      ["x1", ours],
      ["x2", theirs],
    ] as const) {
      succeed(await tool("plain", ["copy", ...insecure, there, `dir:${at(name)}`]));
      assert.deepEqual(await signaturesIn(name), await signaturesIn("ours"));
    }
  });

  test("what is wrong with registries.d and look-asides is told in skopeo's words", async () => {
    await useRegistries("twice", "docker: {x: {}}");
    await writeFile(at("twice", "b.yaml"), "docker: {x: {}}");
    await useRegistries("http", `default-docker: {lookaside: "http://127.0.0.1:1/x"}`);
    const table: readonly [registries: string, from: string, to: string, message: string][] = [
      [
        "twice",
        image("a:v1"),
        `dir:${at("t")}`,
        `initializing source ${image("a:v1")}: Error parsing signature storage configuration: "docker" namespace "x" defined both in "${at("twice")}/a.yaml" and "${at("twice")}/b.yaml"`,
      ],
      [
        "http",
        `dir:${at("ours")}`,
        image("never:v1"),
        "writing signatures: Writing directly to a http lookaside http://127.0.0.1:1/x/never@sha256=DIGEST/signature-1 is not supported. Configure a lookaside-staging: location",
      ],
      [
        "http",
        image("a:v1"),
        `dir:${at("t")}`,
        'reading signatures: Get "http://127.0.0.1:1/x/a@sha256=DIGEST/signature-1": dial tcp 127.0.0.1:1: connect: connection refused',
      ],
      [
        "attach",
        `dir:${at("ours")}`,
        `oci:${at("o")}:v1`,
        `Can not copy signatures to oci:${at("o")}:v1: Pushing signatures for OCI images is not supported`,
      ],
    ];
    for (const [registries, from, to, message] of table) {
      const { exitCode, stderr } = await home.run(
        ["--registries.d", at(registries), "copy", ...insecure, from, to],
        { env, as: "skopeo" },
      );
      assert.equal(exitCode, 1);
      const told = stderr.replaceAll(/sha256=[0-9a-f]{64}/g, "sha256=DIGEST");
      assert.ok(told.includes(JSON.stringify(message).slice(1, -1)), told);
    }
  });
});

function succeed({ exitCode, stderr }: RunResult): void {
  assert.equal(exitCode, 0, stderr);
}
