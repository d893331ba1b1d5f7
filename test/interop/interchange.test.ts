import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { htpasswdUser, startDockerRegistry } from "../support/docker-registry.ts";
import { makeImage, makeMultiArch, type TestImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { startRegistry } from "../support/registry.ts";
import { run } from "../support/run.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";
import { skopeo } from "../support/skopeo.ts";
import { certDir, makePki } from "../support/tls.ts";

const needed = { skip: skipWithout("skopeo", "docker-registry"), timeout: 300_000 };
const lax = ["--src-tls-verify=false", "--dest-tls-verify=false"];

type Tool = (args: readonly string[]) => Promise<void>;

/** Both tools, made to fail the test where they fail. */
function tools(home: CliHome): { readonly ours: Tool; readonly theirs: Tool } {
  return {
    async ours(args) {
      const { exitCode, stderr } = await home.run(args);
      assert.equal(exitCode, 0, `${args.join(" ")}: ${stderr}`);
    },
    async theirs(args) {
      const { exitCode, stderr } = await skopeo(args);
      assert.equal(exitCode, 0, `skopeo ${args.join(" ")}: ${stderr}`);
    },
  };
}

const images: Readonly<Record<string, TestImage>> = {
  "a Docker image": makeImage({ seed: 120 }),
  "an OCI image": makeImage({ seed: 121, type: "oci" }),
  "a list": makeMultiArch({ seed: 122 }),
  "an index": makeMultiArch({ seed: 123, type: "oci" }),
};

suite("what one tool wrote the other reads: docker-registry, dir:, docker-registry", () => {
  for (const [name, image] of Object.entries(images)) {
    for (const first of ["ours", "theirs"] as const) {
      test(`${name}, ${first} first`, needed, () => relay(image, first));
    }
  }
});

async function relay(image: TestImage, first: "ours" | "theirs"): Promise<void> {
  await using source = await startRegistry();
  await using middle = await startDockerRegistry();
  await using home = await cliHome();
  const { [first]: one, [first === "ours" ? "theirs" : "ours"]: other } = tools(home);
  source.seed("from", "v1", image);
  const stops = [
    `docker://${source.host}/from:v1`,
    `docker://${middle.host}/a:v1`,
    `dir:${home.folder.in("one")}`,
    `docker://${middle.host}/b:v1`,
    `dir:${home.folder.in("two")}`,
    `docker://${source.host}/to:v1`,
  ];
  for (let at = 1; at < stops.length; at++) {
    const tool = at % 2 === 1 ? one : other;
    await tool(["copy", "-q", "--all", ...lax, stops[at - 1] ?? "", stops[at] ?? ""]);
  }
  const end = source.store.open("to");
  assert.equal(end.resolve("v1"), image.digest);
  await assertSameFolders(home, "one", "two");
}

suite("what one tool wrote the other reads: oci:", () => {
  for (const name of ["an OCI image", "an index"] as const) {
    for (const first of ["ours", "theirs"] as const) {
      test(`${name}, ${first} first`, needed, async () => {
        await using registry = await startRegistry();
        await using home = await cliHome();
        const { [first]: one, [first === "ours" ? "theirs" : "ours"]: other } = tools(home);
        const image = images[name];
        assert.ok(image);
        registry.seed("from", "v1", image);
        const layout = `oci:${home.folder.in("layout")}`;
        await one([
          "copy",
          "-q",
          "--all",
          ...lax,
          `docker://${registry.host}/from:v1`,
          `${layout}:a`,
        ]);
        await other(["copy", "-q", "--all", ...lax, `${layout}:a`, `${layout}:b`]);
        await one([
          "copy",
          "-q",
          "--all",
          ...lax,
          `${layout}:b`,
          `docker://${registry.host}/to:v1`,
        ]);
        assert.equal(registry.store.open("to").resolve("v1"), image.digest);
      });
    }
  }
});

suite("both tools make the same folder of", () => {
  for (const [name, image] of Object.entries(images)) {
    for (const flags of [[], ["--all"], ["--format", "oci"], ["--format", "v2s2"]]) {
      test(`${name} with ${flags.join(" ") || "no flags"}`, needed, () => sameDir(image, flags));
    }
  }
});

async function sameDir(image: TestImage, flags: readonly string[]): Promise<void> {
  await using registry = await startRegistry();
  await using home = await cliHome();
  const { ours, theirs } = tools(home);
  registry.seed("from", "v1", image);
  const from = `docker://${registry.host}/from:v1`;
  for (const [tool, place] of [
    [ours, "ours"],
    [theirs, "theirs"],
  ] as const) {
    await tool(["copy", "-q", ...lax, ...flags, from, `dir:${home.folder.in(place)}`]);
  }
  await assertSameFolders(home, "ours", "theirs");
}

async function assertSameFolders(home: CliHome, one: string, other: string): Promise<void> {
  const result = await run("diff", ["-r", home.folder.in(one), home.folder.in(other)]);
  assert.equal(result.exitCode, 0, result.stdout);
}

const secured = { skip: skipWithout("skopeo", "docker-registry", "openssl"), timeout: 300_000 };

test(
  "images go to a docker-registry behind TLS, client certificates and tokens, and back",
  secured,
  async () => {
    await using pki = await makePki();
    await using plain = await startRegistry();
    await using registry = await startDockerRegistry({
      auth: {
        token: {
          users: { ann: "secret" },
          anonymous: false,
          // No password goes from an https registry to a token service without TLS.
          tls: { key: pki.server.key, cert: pki.server.cert },
        },
        key: pki.server,
      },
      tls: { pki, clients: true },
    });
    await using home = await cliHome();
    const { ours, theirs } = tools(home);
    const image = makeMultiArch({ seed: 124 });
    plain.seed("from", "v1", image);
    const folder = await certDir(pki);
    const to = ["--dest-cert-dir", folder, "--dest-creds", "ann:secret", "--src-tls-verify=false"];
    const from = ["--src-cert-dir", folder, "--src-creds", "ann:secret", "--dest-tls-verify=false"];
    const place = (name: string) => `docker://${registry.host}/${name}`;
    const start = `docker://${plain.host}/from:v1`;
    await ours(["copy", "-q", "--all", ...to, start, place("x/ours:v1")]);
    await theirs(["copy", "-q", "--all", ...to, start, place("x/theirs:v1")]);
    await theirs([
      "copy",
      "-q",
      "--all",
      ...from,
      place("x/ours:v1"),
      `docker://${plain.host}/b:v1`,
    ]);
    await ours([
      "copy",
      "-q",
      "--all",
      ...from,
      place("x/theirs:v1"),
      `docker://${plain.host}/c:v1`,
    ]);
    for (const name of ["b", "c"]) assert.equal(plain.store.open(name).resolve("v1"), image.digest);
  },
);

test(
  "images go to a docker-registry that wants a password, by what login stored",
  needed,
  async () => {
    await using plain = await startRegistry();
    await using registry = await startDockerRegistry({ auth: "htpasswd" });
    await using home = await cliHome();
    const { ours } = tools(home);
    const image = makeImage({ seed: 125 });
    plain.seed("from", "v1", image);
    const { name, password } = htpasswdUser;
    await ours(["login", "--tls-verify=false", "-u", name, "-p", password, registry.host]);
    const to = `docker://${registry.host}/x:v1`;
    await ours(["copy", "-q", ...lax, `docker://${plain.host}/from:v1`, to]);
    await ours(["copy", "-q", ...lax, to, `docker://${plain.host}/to:v1`]);
    assert.equal(plain.store.open("to").resolve("v1"), image.digest);
    await ours(["delete", "--tls-verify=false", to]);
    const gone = await home.run(["inspect", "--raw", "--tls-verify=false", to]);
    assert.equal(gone.exitCode, 2);
    await ours(["logout", registry.host]);
    const refused = await home.run(["copy", "-q", ...lax, `docker://${plain.host}/from:v1`, to]);
    assert.equal(refused.exitCode, 1);
  },
);
