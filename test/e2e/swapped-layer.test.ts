import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createGate, type Gate } from "../../policy/gate.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { createVerifiers } from "../../sigstore/create-verifiers.ts";
import { FolderStore } from "../../sigstore/lookaside/folder-store.ts";
import { createGpgSigner } from "../../sigstore/simple-signing/gpg-signer.ts";
import { digestOf, hexOf } from "../../src/core/digest.ts";
import { KnownError } from "../../src/core/errors.ts";
import { Engine } from "../support/engine.ts";
import { type ImageStore, imageStore } from "../support/image-store.ts";
import { layerEntry, layerOf } from "../support/layers.ts";
import { imageOfTars } from "../support/odd-layers.ts";
import { generateKey, gpgHome } from "../support/openpgp/gpg.ts";
import { skipWithout } from "../support/peers.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { randomBytesOf } from "../support/random.ts";
import { type Fault, flipByte, longBody, shortBody } from "../support/registry/faults.ts";
import type { Operation } from "../support/registry/operation.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

const skip = skipUnprivileged() || skipWithout("gpg");
const isSoak = process.env["AMPHORA_SOAK"] === "1";

const script = (text: string) => layerEntry({ name: "run.sh", mode: 0o755 }, text);
const base = layerOf(layerEntry({ name: "base" }, "base"));
const upper = layerOf(layerEntry({ name: "upper" }, "upper"));
const evil = gzipSync(layerOf(script("#!/bin/sh\necho evil\n")));
const small = layerOf(script("#!/bin/sh\necho good\n"));
/** Comes in several pieces, so that much of it is unpacked before its digest is known. */
const large = layerOf(
  script("#!/bin/sh\necho good\n"),
  layerEntry({ name: "random" }, Buffer.from(randomBytesOf(7, 300_000))),
);

/** What comes instead of a layer, by what is done to it; of a large one only some, for each takes a while. */
function swaps(tar: Uint8Array): ReadonlyMap<string, Fault> {
  const packed = gzipSync(tar);
  const { length } = packed;
  const few = new Map<string, Fault>([
    ...[0, length >> 1, length - 1].map(changedAt),
    ...[1, length >> 1].map((n) => [`${n} shorter`, shortBody(n)] as const),
    ["1 longer", longBody(1)],
    ["another layer behind it", instead(Buffer.concat([packed, evil]))],
  ]);
  if (tar === large) return few;
  return new Map([
    ...few,
    ...(isSoak ? [...packed.keys()] : sampledOffsets(length)).map(changedAt),
    [`${length} shorter`, shortBody(length)],
    ["600 longer", longBody(600)],
    ["another layer", instead(evil)],
    ["the same, compressed otherwise", instead(gzipSync(tar, { level: 0 }))],
    ["the same, not compressed", instead(tar)],
  ]);
}

function changedAt(offset: number): readonly [what: string, fault: Fault] {
  return [`changed at ${offset}`, flipByte(offset)];
}

/** Of gzip's header what says nothing of the content, its checksum at the end, and some between. */
function sampledOffsets(length: number): readonly number[] {
  const between = [1, 2, 3, 4].map((n) => Math.floor((n * length) / 5));
  return [3, 4, 9, ...between, length - 8];
}

function instead(body: Uint8Array): Fault {
  return {
    reply: (reply) => ({
      ...reply,
      headers: { ...reply.headers, "content-length": String(body.byteLength) },
      body,
    }),
  };
}

/** Where the layer is in the image; the store has one of the base alone before. */
const images = {
  "lowest of an image": { tars: [small, upper], victim: small },
  "topmost of an image whose other layer is there": { tars: [base, small], victim: small },
  "lowest of an image, and large": { tars: [large, upper], victim: large },
};

suite("a signed image is refused, and nothing of it stays, whose layer is swapped", {
  skip,
}, () => {
  let scene: Scene;

  before(async () => {
    scene = await makeScene();
  });

  after(() => scene[Symbol.asyncDispose]());

  for (const [where, { tars, victim }] of Object.entries(images)) {
    test(`the ${where}`, { timeout: 3_600_000 }, async () => {
      const { registry, engine, gate } = scene;
      await using store = await imageStore("overlay");
      const image = imageOfTars(tars);
      const name = `${hexOf(image.digest).slice(0, 8)}/app`;
      const from = await scene.sign(name, image);
      const to = store.reference("app:v1");
      registry.seed("old", "v1", imageOfTars([base]));
      await engine.copy(`docker://${registry.host}/old:v1`, to);
      const layer = digestOf(gzipSync(victim));
      const isLayer = ({ template, reference }: Operation) =>
        template === "GET blob" && reference === layer;
      const untouched = await stateOf(store);
      for (const [what, fault] of swaps(victim)) {
        const rule = registry.behave({ on: isLayer, times: Number.POSITIVE_INFINITY, fault });
        await assert.rejects(engine.copy(from, to, { gate }), isRefusal, what);
        assert.ok(rule.hits > 0, what);
        rule.stop();
        assert.deepEqual(await stateOf(store), untouched, what);
      }
      await engine.copy(from, to, { gate });
      const [old, now] = await (await store.open()).images();
      assert.deepEqual([old?.names, now?.names], [[], ["docker.io/library/app:v1"]]);
    });
  }

  test("and an unsigned one is refused as well", async () => {
    const { registry, engine, gate } = scene;
    await using store = await imageStore("overlay");
    registry.seed("unsigned", "v1", imageOfTars([base]));
    const copying = engine.copy(`docker://${registry.host}/unsigned:v1`, store.reference("x:1"), {
      gate,
    });
    await assert.rejects(copying, { code: "policy.refused" });
  });
});

/** The source is blamed, for what it gave. */
function isRefusal(error: unknown): boolean {
  assert.ok(error instanceof KnownError && error.cause instanceof KnownError, String(error));
  assert.equal(error.code, "copy.source-failed", error.message);
  assert.match(error.cause.code, /^content\.(?:digest-mismatch|size-mismatch|too-large)$/);
  return true;
}

/** All that is in a store: its images, its layers, every path, and what its records say. */
async function stateOf(store: ImageStore): Promise<object> {
  const opened = await store.open();
  const paths = (await readdir(store.root, { recursive: true })).toSorted();
  const records = paths.filter((path) => path.endsWith(".json"));
  return {
    images: (await opened.images()).map(({ id, names }) => ({ id, names })),
    layers: (await opened.layers()).map(({ id }) => id),
    paths,
    records: await Promise.all(records.map((path) => readFile(join(store.root, path), "utf8"))),
  };
}

interface Scene extends AsyncDisposable {
  readonly registry: Registry;
  readonly engine: Engine;
  /** Admits what the key has signed. */
  readonly gate: Gate;
  /** Puts an image into the registry, with a signature. @returns its reference */
  sign(name: string, image: ReturnType<typeof imageOfTars>): Promise<string>;
}

async function makeScene(): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry());
  const gpg = stack.use(gpgHome());
  const lookaside = new FolderStore(stack.use(await tempFolder()).path);
  const key = generateKey(gpg, "ann@a.test", "ed25519");
  const keyFile = gpg.output(["--export", key]);
  const engine = stack.use(
    new Engine({
      signaturePlaces: async () => ({
        where: "a folder",
        read: lookaside,
        write: lookaside,
        more: [],
        attachments: false,
        open: () => lookaside,
      }),
    }),
  );
  const now = () => new Date();
  const environment = { PATH: "/usr/bin:/bin", GNUPGHOME: gpg.path };
  const signer = stack.use(await createGpgSigner({ key, environment, creator: "tests", now }));
  const policy = { default: [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/ann.pub" }] };
  const gate = createGate(parsePolicy(Buffer.from(JSON.stringify(policy)), "policy.json"), {
    requireSigned: true,
    verifiers: createVerifiers({ now }),
    readKeyFile: async () => keyFile,
  });
  return {
    registry,
    engine,
    gate,
    async sign(name, image) {
      registry.seed("made", "v1", image);
      const signed = `docker://${registry.host}/${name}:v1`;
      const signing = { signers: [signer] };
      await engine.copy(`docker://${registry.host}/made:v1`, signed, { signing });
      return signed;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
