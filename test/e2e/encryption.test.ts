import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { access, readFile, writeFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { makeImage, makeMultiArch, type TestImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";
import { skopeo } from "../support/skopeo.ts";

interface Layer {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly mediaType: string;
  readonly layers: readonly Layer[];
  readonly manifests?: readonly Pick<Layer, "digest" | "annotations">[];
}

async function world() {
  const registry = await startRegistry();
  const home = await cliHome();
  const files = new Map<string, string>();
  for (const name of ["ann", "bob"]) {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    files.set(`${name}.pub`, publicKey.export({ type: "spki", format: "pem" }) as string);
    files.set(`${name}.key`, privateKey.export({ type: "pkcs1", format: "pem" }) as string);
  }
  for (const [name, text] of files) await writeFile(home.folder.in("home", name), text);
  const at = (name: string) => home.folder.in(name);
  return {
    registry,
    home,
    at,
    seed(image: TestImage) {
      registry.seed("made", "v1", image);
      return `docker://${registry.host}/made:v1`;
    },
    async copy(from: string, to: string, ...flags: readonly string[]) {
      const lax = ["--src-tls-verify=false", "--dest-tls-verify=false"];
      const words = ["copy", "-q", ...lax, ...flags, from, to];
      return await home.run(words, { cwd: home.folder.in("home") });
    },
    async [Symbol.asyncDispose]() {
      await home[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const forAnn = ["--encryption-key", "jwe:ann.pub"];
const byAnn = ["--decryption-key", "ann.key"];
const isEncrypted = ({ mediaType }: Layer) => mediaType.endsWith("+encrypted");
const digestsOf = ({ layers }: { readonly layers: readonly { readonly digest: string }[] }) =>
  layers.map(({ digest }) => digest);

/** The manifest that a layout's only name stands for, or another in it. */
async function manifestIn(layout: string, digest?: string): Promise<Manifest> {
  const index = JSON.parse(await readFile(`${layout}/index.json`, "utf8")) as Manifest;
  const named = index.manifests?.find(({ annotations }) => annotations !== undefined);
  const hex = (digest ?? named?.digest ?? "").slice("sha256:".length);
  return JSON.parse(await readFile(`${layout}/blobs/sha256/${hex}`, "utf8")) as Manifest;
}

/** Of each image in the layout's list, its layers. */
async function layersOfAll(layout: string) {
  const { manifests = [] } = await manifestIn(layout);
  return await Promise.all(
    manifests.map(async ({ digest }) => (await manifestIn(layout, digest)).layers),
  );
}

async function copied(
  { home }: { readonly home: CliHome },
  run: Promise<Awaited<ReturnType<CliHome["run"]>>>,
): Promise<void> {
  const { exitCode, stderr } = await run;
  assert.equal(exitCode, 0, `${stderr} in ${home.folder.path}`);
}

suite("copy --encryption-key", () => {
  test("makes an OCI image of encrypted layers, which its key makes the image again", async () => {
    await using the = await world();
    for (const [name, image] of Object.entries({
      docker: makeImage({ seed: 1 }),
      oci: makeImage({ seed: 2, type: "oci" }),
      plain: makeImage({ seed: 3, type: "oci", compression: "none" }),
    })) {
      const [secret, open] = [the.at(`${name}-secret`), the.at(`${name}-open`)];
      await copied(the, the.copy(the.seed(image), `oci:${secret}:x`, ...forAnn));
      const made = await manifestIn(secret);
      assert.equal(made.mediaType, "application/vnd.oci.image.manifest.v1+json");
      for (const { mediaType, annotations = {} } of made.layers) {
        assert.equal(mediaType, "application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
        assert.deepEqual(Object.keys(annotations).toSorted(), [
          "org.opencontainers.image.enc.keys.jwe",
          "org.opencontainers.image.enc.pubopts",
        ]);
      }
      await copied(the, the.copy(`oci:${secret}:x`, `oci:${open}:x`, ...byAnn));
      const again = await manifestIn(open);
      assert.ok(again.layers.every(({ mediaType }) => mediaType.endsWith("tar+gzip")));
      assert.ok(again.layers.every(({ annotations }) => annotations === undefined));
      if (name !== "plain") assert.deepEqual(digestsOf(again), digestsOf(image));
    }
  });

  test("encrypts the layers that are named, and keeps what was said of them", async () => {
    await using the = await world();
    const from = the.seed(makeImage({ seed: 4, type: "oci", layers: 4 }));
    await copied(the, the.copy(from, `oci:${the.at("s")}:x`, ...forAnn, "--encrypt-layer=0,-1"));
    const { layers } = await manifestIn(the.at("s"));
    assert.deepEqual(layers.map(isEncrypted), [true, false, false, true]);
    await copied(the, the.copy(`oci:${the.at("s")}:x`, `oci:${the.at("d")}:x`, ...byAnn));
    assert.ok(!(await manifestIn(the.at("d"))).layers.some(isEncrypted));
    for (const number of ["4", "-5"]) {
      const flags = [...forAnn, `--encrypt-layer=${number}`];
      const { exitCode, stderr } = await the.copy(from, `oci:${the.at("n")}:x`, ...flags);
      assert.equal(exitCode, 1);
      assert.match(stderr, new RegExp(`layer index ${number} out of range \\(4 layers exist\\)`));
    }
  });

  test("encrypts anew each time, what is not encrypted yet; and the images of a list", async () => {
    await using the = await world();
    const from = the.seed(makeMultiArch({ seed: 5, type: "oci" }));
    const secret = the.at("s");
    await copied(the, the.copy(from, `oci:${secret}:x`, "--all", ...forAnn));
    const index = await manifestIn(secret);
    const digests = (index.manifests ?? []).map(({ digest }) => digest);
    assert.ok(digests.length > 1);
    for (const digest of digests) {
      const { layers } = await manifestIn(secret, digest);
      assert.ok(layers.length > 0 && layers.every(isEncrypted));
    }
    await copied(the, the.copy(from, `oci:${secret}:x`, "--all", ...forAnn));
    assert.notDeepEqual(await manifestIn(secret), index);
    const before = await manifestIn(secret);
    const forBob = ["--encryption-key", "jwe:bob.pub"];
    await copied(the, the.copy(`oci:${secret}:x`, `oci:${the.at("t")}:x`, "--all", ...forBob));
    assert.deepEqual(await manifestIn(the.at("t")), before);
    await copied(the, the.copy(`oci:${secret}:x`, `oci:${the.at("o")}:x`, "--all", ...byAnn));
    await copied(the, the.copy(from, `oci:${the.at("p")}:x`, "--all"));
    assert.deepEqual(await layersOfAll(the.at("o")), await layersOfAll(the.at("p")));
  });

  test("packs what is to be packed before it encrypts it", async () => {
    await using the = await world();
    const from = the.seed(makeImage({ seed: 6, type: "oci", compression: "none" }));
    const zstd = ["--dest-compress-format", "zstd"];
    await copied(the, the.copy(from, `oci:${the.at("s")}:x`, ...forAnn, ...zstd));
    const { layers } = await manifestIn(the.at("s"));
    assert.ok(layers.every(({ mediaType }) => mediaType.endsWith("tar+zstd+encrypted")));
    await copied(the, the.copy(`oci:${the.at("s")}:x`, `oci:${the.at("d")}:x`, ...byAnn));
    for (const { mediaType, digest } of (await manifestIn(the.at("d"))).layers) {
      assert.match(mediaType, /tar\+zstd$/);
      const bytes = await readFile(`${the.at("d")}/blobs/sha256/${digest.slice(7)}`);
      assert.equal(bytes.readUInt32LE(0), 0xfd2fb528);
    }
  });

  test("makes no table of contents of what is encrypted, and warns of it", async () => {
    await using the = await world();
    const from = the.seed(makeImage({ seed: 11, type: "oci", compression: "none" }));
    const chunked = ["--dest-compress-format", "zstd:chunked"];
    const run = await the.copy(from, `oci:${the.at("s")}:x`, ...forAnn, ...chunked);
    assert.equal(run.exitCode, 0, run.stderr);
    assert.match(run.stderr, /not beneficial for encrypted layers, using plain zstd instead/);
    for (const { mediaType, annotations = {} } of (await manifestIn(the.at("s"))).layers) {
      assert.match(mediaType, /tar\+zstd\+encrypted$/);
      assert.ok(Object.keys(annotations).every((name) => !name.includes("chunked")));
    }
  });

  test("goes through a registry, and into an archive that is told sizes before", async () => {
    await using the = await world();
    const from = the.seed(makeImage({ seed: 7, type: "oci" }));
    const there = `docker://${the.registry.host}/secret:v1`;
    await copied(the, the.copy(from, there, ...forAnn));
    const archive = the.home.folder.in("a.tar");
    await copied(the, the.copy(there, `oci-archive:${archive}`, ...byAnn));
    await copied(the, the.copy(`oci-archive:${archive}`, `dir:${the.at("d")}`));
    const image = makeImage({ seed: 7, type: "oci" });
    const manifest = await readFile(`${the.at("d")}/manifest.json`, "utf8");
    assert.deepEqual(digestsOf(JSON.parse(manifest) as Manifest), digestsOf(image));
  });
});

suite("copy refuses", () => {
  test("a key that does not open the layers, and leaves nothing", async () => {
    await using the = await world();
    const from = the.seed(makeImage({ seed: 8, type: "oci" }));
    await copied(the, the.copy(from, `oci:${the.at("s")}:x`, ...forAnn));
    const byBob = ["--decryption-key", "bob.key"];
    const { exitCode, stderr } = await the.copy(
      `oci:${the.at("s")}:x`,
      `dir:${the.at("d")}`,
      ...byBob,
    );
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /decrypting layer sha256:[0-9a-f]{64}: no suitable key unwrapper found or none of the private keys could be used/,
    );
    await assert.rejects(access(the.at("d")));
  });

  test("what nobody can decrypt, by files that are no private keys, which matter to nothing else", async () => {
    await using the = await world();
    const from = the.seed(makeImage({ seed: 12, type: "oci" }));
    const byPublic = ["--decryption-key", "ann.pub"];
    await copied(the, the.copy(from, `dir:${the.at("plain")}`, ...byPublic));
    await copied(the, the.copy(from, `oci:${the.at("s")}:x`, ...forAnn));
    const run = await the.copy(`oci:${the.at("s")}:x`, `dir:${the.at("d")}`, ...byPublic);
    assert.equal(run.exitCode, 1);
    assert.match(run.stderr, /missing private key needed for decryption/);
    await copied(
      the,
      the.copy(`oci:${the.at("s")}:x`, `dir:${the.at("d")}`, ...byPublic, ...byAnn),
    );
  });

  test("what a manifest that must stay, or another kind, cannot say, before a byte moves", async () => {
    await using the = await world();
    const from = the.seed(makeImage({ seed: 9, type: "oci" }));
    for (const [to, flags, why] of [
      [
        "dir",
        ["--preserve-digests"],
        "should be encrypted, but we can’t modify the manifest: Inst",
      ],
      ["dir", ["--format", "v2s2"], "which does not support encryption"],
      ["docker-archive", [], "none of which support encryption"],
    ] as const) {
      the.registry.log.clear();
      const run = await the.copy(from, `${to}:${the.at("n")}`, ...forAnn, ...flags);
      assert.equal(run.exitCode, 1);
      assert.ok(run.stderr.includes(why), run.stderr);
      assert.ok(!the.registry.log.trace().includes("GET blob"));
      await assert.rejects(access(the.at("n")));
    }
  });
});

const needed = { skip: skipWithout("skopeo"), timeout: 120_000 };

test(
  "skopeo decrypts what we encrypt, and we what it does, to the same image",
  needed,
  async () => {
    await using the = await world();
    const from = the.seed(makeImage({ seed: 10, type: "oci" }));
    const inHome = (name: string) => the.home.folder.in("home", name);
    const theirs = async (from: string, to: string, ...flags: readonly string[]) => {
      const { exitCode, stderr } = await skopeo(["copy", ...flags, from, to]);
      assert.equal(exitCode, 0, stderr);
    };
    await copied(the, the.copy(from, `oci:${the.at("in")}:x`));
    const key = ["--decryption-key", inHome("ann.key")];
    for (const flags of [[], ["--encrypt-layer", "1"], ["--encryption-key", "jwe:bob.pub"]]) {
      const places = ["ours", "theirs", "by-them", "by-us"].map((name) => the.at(name));
      const [ours, their, byThem, byUs] = places as [string, string, string, string];
      await copied(the, the.copy(`oci:${the.at("in")}:x`, `oci:${ours}:x`, ...forAnn, ...flags));
      const absolute = [...forAnn, ...flags].map((word) => word.replace(":", `:${inHome("")}/`));
      await theirs(`oci:${the.at("in")}:x`, `oci:${their}:x`, ...absolute);
      const [one, other] = [await manifestIn(ours), await manifestIn(their)];
      assert.deepEqual(one.layers.map(isEncrypted), other.layers.map(isEncrypted));
      await theirs(`oci:${ours}:x`, `oci:${byThem}:x`, ...key);
      await copied(the, the.copy(`oci:${their}:x`, `oci:${byUs}:x`, ...byAnn));
      for (const place of [byThem, byUs])
        assert.deepEqual(await manifestIn(place), await manifestIn(the.at("in")));
    }
  },
);
