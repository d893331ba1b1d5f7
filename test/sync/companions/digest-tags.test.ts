import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attachmentManifest,
  type SigstoreSignature,
  signatureMediaType,
} from "../../../sigstore/cosign/attachment.ts";
import type { Digest } from "../../../src/core/digest.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { isDigestTag } from "../../../src/sync/companions/digest-tags.ts";
import { artifactAbout } from "../../support/artifacts.ts";
import { Engine } from "../../support/engine.ts";
import { makeImage, makeMultiArch } from "../../support/images.ts";
import { type Registry, type SeedImage, startRegistry } from "../../support/registry.ts";
import { tempFolder } from "../../support/temp.ts";
import { bringCompanions, docker } from "./support.ts";

const image = makeImage({ type: "oci" });
const tags = { referrers: "none", digestTags: true } as const;
const stem = (digest: Digest) => digest.replace(":", "-");

function signature(seed: string): SigstoreSignature {
  const payload = Buffer.from(JSON.stringify({ seed }));
  const annotations = { "dev.cosignproject.cosign/signature": `${seed}=` };
  return { format: "sigstore", mediaType: signatureMediaType, payload, annotations };
}

/** What cosign puts under a digest tag. */
function attachmentOf(...seeds: readonly string[]): SeedImage {
  const made = attachmentManifest(undefined, seeds.map(signature));
  assert.ok(made);
  const { manifest, config, payloads } = made;
  const blobs = [...payloads, config].map(
    ({ descriptor, bytes }) => [descriptor.digest, bytes] as const,
  );
  return {
    blobs: new Map(blobs),
    manifests: [{ mediaType: manifest.descriptor.mediaType, bytes: manifest.bytes }],
  };
}

function seedsAt(registry: Registry, tag: string): readonly string[] {
  const there = registry.store.repositories.get("app");
  const bytes = there?.manifests.get(there.tags.get(tag) ?? "")?.bytes ?? Buffer.from("{}");
  const { layers = [], config } = JSON.parse(Buffer.from(bytes).toString());
  for (const { digest } of [...layers, ...(config ? [config] : [])]) {
    assert.ok(there?.blobs.has(digest), `${digest} is missing`);
  }
  return layers.map(({ annotations }: { annotations: object }) => Object.values(annotations)[0]);
}

async function pair() {
  const source = await startRegistry();
  const destination = await startRegistry();
  for (const registry of [source, destination]) registry.seed("app", "v1", image);
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
  return { source, destination, ends };
}

test("isDigestTag() tells names of images from what is made of digests", () => {
  const hex = "a".repeat(64);
  const made = [`sha256-${hex}`, `sha256-${hex}.sig`, `sha256-${hex}.att`, `sha512-${hex}${hex}.x`];
  for (const tag of made) assert.ok(isDigestTag(tag), tag);
  const names = [
    "sha256",
    `sha256-${hex.slice(1)}`,
    `${hex}.sig`,
    `v1-sha256-${hex}`,
    `md5-${hex}`,
  ];
  for (const tag of names) assert.ok(!isDigestTag(tag), tag);
});

test("copyCompanions() brings digest tags of images, instances and referrers, and lists each side once", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  const index = makeMultiArch({ type: "oci" });
  const instance = digestOf(index.manifests[0]?.bytes ?? new Uint8Array());
  const sbom = artifactAbout(index.digest);
  for (const registry of [source, destination]) registry.seed("app", "v1", index);
  source.seed("app", undefined, sbom);
  const names = [`${stem(index.digest)}.sig`, `${stem(instance)}.att`, `${stem(sbom.digest)}.sig`];
  for (const [number, name] of names.entries())
    source.seed("app", name, attachmentOf(String(number)));
  source.seed("app", `${stem(image.digest)}.sig`, attachmentOf("another's"));
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), index.digest] as const;
  const { lines } = await bringCompanions(...ends, { referrers: "all", digestTags: true });
  assert.equal(lines.length, 4);
  const there = [...(destination.store.repositories.get("app")?.tags.keys() ?? [])];
  assert.deepEqual(there.sort(), [...names, "v1"].sort());
  for (const registry of [source, destination]) {
    assert.equal(registry.log.of("GET tags").length, 1);
    registry.log.clear();
  }
  assert.deepEqual((await bringCompanions(...ends, tags)).lines, []);
  assert.deepEqual(destination.log.of("PUT manifest"), []);
});

test("signatures that both sides have of their own count together, and once", async () => {
  const { source, destination, ends } = await pair();
  await using _ = source;
  await using __ = destination;
  const tag = `${stem(image.digest)}.sig`;
  source.seed("app", tag, attachmentOf("a", "b"));
  destination.seed("app", tag, attachmentOf("b", "mine"));
  assert.deepEqual((await bringCompanions(...ends, tags)).lines, [`companion ${tag}`]);
  assert.deepEqual(seedsAt(destination, tag), ["b=", "mine=", "a="]);
  assert.deepEqual((await bringCompanions(...ends, tags)).lines, []);
});

test("signatures of the source take the place of what they contain; an SBOM is replaced", async () => {
  const { source, destination, ends } = await pair();
  await using _ = source;
  await using __ = destination;
  for (const [suffix, here, there] of [
    ["sig", ["a", "b"], ["a"]],
    ["sbom", ["new"], ["old"]],
  ] as const) {
    source.seed("app", `${stem(image.digest)}.${suffix}`, attachmentOf(...here));
    destination.seed("app", `${stem(image.digest)}.${suffix}`, attachmentOf(...there));
  }
  await bringCompanions(...ends, tags);
  const digest = (registry: Registry, suffix: string) =>
    registry.store.repositories.get("app")?.tags.get(`${stem(image.digest)}.${suffix}`);
  for (const suffix of ["sig", "sbom"]) {
    assert.equal(digest(destination, suffix), digest(source, suffix));
  }
});

test("digest tags go into an OCI layout as names, and out of it", async () => {
  const { source, destination } = await pair();
  await using _ = source;
  await using __ = destination;
  await using folder = await tempFolder();
  await using engine = new Engine();
  const tag = `${stem(image.digest)}.sig`;
  source.seed("app", tag, attachmentOf("a"));
  const layout = `oci:${folder.in("layout")}:v1`;
  await engine.copy(docker(source, "app:v1"), layout);
  await bringCompanions(docker(source, "app:v1"), layout, image.digest, tags);
  await bringCompanions(layout, docker(destination, "app:v1"), image.digest, tags);
  assert.deepEqual(seedsAt(destination, tag), ["a="]);
});
