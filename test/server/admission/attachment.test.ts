import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { mediaTypes } from "../../../src/core/media-type.ts";
import {
  admissionWorld,
  image,
  index,
  PlaceError,
  people,
  signedBy,
  someDigest,
  type World,
  WorldSignatures,
} from "./world.ts";

const folk = people();
after(() => folk[Symbol.dispose]());

const repo = "docker.io/library/app";
const keys = { "ann.pub": folk.keys.ann };
const policy = { [repo]: [signedBy("ann.pub")] };
const about = image("one");
const tag = `${about.digest.replace(":", "-")}.sig`;
const cosignType = "application/vnd.dev.cosign.simplesigning.v1+json";

const subject = { mediaType: about.mediaType, digest: about.digest, size: about.bytes.length };
const blob = (mediaType: string, bytes: Uint8Array, world: World) => ({
  mediaType,
  digest: world.keepBlob(repo, bytes),
  size: bytes.length,
});
const empty = { mediaType: mediaTypes.ociEmpty, digest: someDigest("{}"), size: 2 };
const named = (mediaType: string) => ({ mediaType, digest: someDigest(mediaType), size: 3 });

test("cosign's signatures pass, by tag and by digest, as their layers are seen to be JSON", async () => {
  await using world = await admissionWorld({}, policy, keys);
  const layers = [blob(cosignType, Buffer.from('{"critical":{}}'), world)];
  const signature = image("sig", { layers });
  assert.equal((await world.byTag(repo, tag, signature)).allowed, true);
  assert.equal((await world.byDigest(repo, signature)).allowed, true);
  assert.equal(world.signatures.reads, 0);
});

test("what only calls itself so is judged: packed, with a NUL, too large, or not there", async () => {
  await using world = await admissionWorld({}, policy, keys);
  const tar = Buffer.alloc(1024);
  tar.write('{"a":1}');
  for (const bytes of [gzipSync("{}"), tar, Buffer.from("no json"), Buffer.from("{}\0")]) {
    const evil = image("evil", { layers: [blob(cosignType, bytes, world)] });
    assert.equal((await world.byTag(repo, tag, evil)).allowed, false, bytes.toString("hex", 0, 8));
  }
  const large = { ...named(cosignType), size: 5_000_000 };
  for (const layer of [large, named(cosignType)])
    assert.equal((await world.byTag(repo, tag, image("evil", { layers: [layer] }))).allowed, false);
  const mixed = [blob(cosignType, Buffer.from("{}"), world), named(mediaTypes.ociLayerGzip)];
  assert.equal((await world.byTag(repo, tag, image("evil", { layers: mixed }))).allowed, false);
  assert.equal((await world.byTag(repo, tag, image("evil", { layers: [] }))).allowed, false);
});

test("artifacts with a subject pass, unless some client could run them", async () => {
  await using world = await admissionWorld({}, policy, keys);
  const good = [
    "application/spdx+json",
    "text/spdx",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
  ];
  for (const type of good) {
    const sbom = image("sbom", {
      config: empty,
      layers: [named(type)],
      subject,
      artifactType: type,
    });
    assert.equal((await world.byDigest(repo, sbom)).allowed, true, type);
  }
  const configs = [
    mediaTypes.ociConfig,
    mediaTypes.dockerConfig,
    "application/octet-stream",
    "application/json",
    "text/html",
    "Application/JSON; charset=utf-8",
    "application/vnd.docker.plugin.v1+json",
  ];
  for (const type of configs) {
    const evil = image("evil", { config: named(type), layers: [named("text/spdx")], subject });
    assert.equal((await world.byDigest(repo, evil)).allowed, false, type);
  }
  const layerTypes = [
    mediaTypes.ociLayer,
    mediaTypes.ociLayerGzip,
    mediaTypes.dockerLayerGzip,
    mediaTypes.dockerForeignLayerGzip,
    "application/x-tar",
    "application/tar+gzip",
    "application/octet-stream",
    "application/zstd",
    "application/zip",
    "application/wasm",
    "application/vnd.wasm.content.layer.v1+wasm",
    "application/vnd.sylabs.sif.layer.v1.sif",
    "APPLICATION/VND.OCI.IMAGE.LAYER.V1.TAR",
  ];
  for (const type of layerTypes) {
    const evil = image("evil", { config: empty, layers: [named(type)], subject });
    assert.equal((await world.byDigest(repo, evil)).allowed, false, type);
  }
});

test("an artifact that is about nothing is judged", async () => {
  await using world = await admissionWorld({}, policy, keys);
  const model = image("model", { config: empty, layers: [named("application/x-gguf")] });
  assert.equal((await world.byTag(repo, "v1", model)).allowed, false);
  assert.equal(
    (await world.byTag(repo, tag, model)).allowed,
    true,
    "under an attachment's tag it is one",
  );
  const wasm = image("wasm", { config: empty, layers: [named("application/wasm")] });
  assert.equal((await world.byTag(repo, tag, wasm)).allowed, false, "this can be run");
});

test("the fallback tag's index passes if all in it are attachments", async () => {
  await using world = await admissionWorld({}, policy, keys);
  const sbom = world.keep(
    repo,
    image("sbom", { config: empty, layers: [named("text/spdx")], subject }),
  );
  const fallback = about.digest.replace(":", "-");
  assert.equal((await world.byTag(repo, fallback, index([sbom]))).allowed, true);
  const evil = world.keep(repo, image("evil"));
  assert.equal((await world.byTag(repo, fallback, index([sbom, evil]))).allowed, false);
});

test("BuildKit's attestations do not refuse an index whose images are signed", async () => {
  await using world = await admissionWorld({}, policy, keys);
  const one = world.keep(repo, image("one"));
  const layers = [blob("application/vnd.in-toto+json", Buffer.from("{}"), world)];
  const attested = world.keep(repo, image("attested", { layers }));
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  assert.equal((await world.byTag(repo, "v1", index([one, attested]))).allowed, true);
  assert.equal((await world.byDigest(repo, attested)).allowed, true);
});

test("BuildKit's attestations keep back no index while their own signatures are out of reach", async () => {
  const signatures = new WorldSignatures();
  const read = signatures.read.bind(signatures);
  let away = "";
  signatures.read = async (repository, manifest) => {
    if (manifest === away) throw new PlaceError();
    return await read(repository, manifest);
  };
  await using world = await admissionWorld({}, policy, keys, signatures);
  const one = world.keep(repo, image("one"));
  signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  const layers = [blob("application/vnd.in-toto+json", Buffer.from("{}"), world)];
  const attested = world.keep(repo, image("attested", { layers }));
  away = attested.digest;
  assert.equal((await world.byTag(repo, "v1", index([one, attested]))).allowed, true);
  away = one.digest;
  const undecided = await world.byTag(repo, "v2", index([one, attested]));
  assert.ok(!undecided.allowed && undecided.status === 503);
});

test("attachments' blobs leave in strict scopes, also when first asked for as something else", async () => {
  await using world = await admissionWorld(
    { scopes: [{ repositories: ["**"], strictBlobs: true, mode: "enforce" }] },
    policy,
    keys,
  );
  const model = image("model", { config: empty, layers: [named("application/x-gguf")] });
  await world.byTag(repo, "v1", model);
  assert.equal((await world.blob(repo, someDigest("application/x-gguf")))?.allowed, false);
  await world.byTag(repo, tag, model);
  assert.equal((await world.blob(repo, someDigest("application/x-gguf")))?.allowed, true);
});
