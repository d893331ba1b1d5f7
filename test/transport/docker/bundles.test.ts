import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleMediaType } from "../../../sigstore/cosign/bundle-format.ts";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { Engine } from "../../support/engine.ts";
import { makeImage } from "../../support/images.ts";
import type { Features } from "../../support/registry/features.ts";
import { startRegistry } from "../../support/registry.ts";

const { signal } = new AbortController();
const image = makeImage({ seed: 61, layerBytes: 500 });

interface ArtifactOptions {
  readonly subject: Digest;
  readonly artifactType?: string | undefined;
  readonly layerTypes?: readonly string[];
  readonly size?: number;
}

/** What cosign 3 attaches, or something like it. */
function artifact(text: string, options: ArtifactOptions) {
  const { subject, artifactType = bundleMediaType, layerTypes = [bundleMediaType] } = options;
  const [empty, content] = [Buffer.from("{}"), Buffer.from(text)];
  const descriptor = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    ...(artifactType !== "" && { artifactType }),
    config: descriptor(mediaTypes.ociEmpty, empty),
    layers: layerTypes.map((type) => ({
      ...descriptor(type, content),
      ...(options.size !== undefined && { size: options.size }),
    })),
    subject: { mediaType: mediaTypes.ociManifest, digest: subject, size: 1 },
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return {
    digest: digestOf(bytes),
    seed: {
      blobs: new Map<string, Uint8Array>([
        [digestOf(empty), empty],
        [digestOf(content), content],
      ]),
      manifests: [{ mediaType: mediaTypes.ociManifest, bytes }],
    },
    entry: descriptor(mediaTypes.ociManifest, bytes),
  };
}

async function world(features: Partial<Features> = {}) {
  const registry = await startRegistry({ features });
  const digest = registry.seed("ns/one", "v1", image) as Digest;
  return {
    registry,
    digest,
    add: (text: string, options: Partial<ArtifactOptions> = {}) => {
      const made = artifact(text, { subject: digest, ...options });
      registry.seed("ns/one", undefined, made.seed);
      return made;
    },
    async read(): Promise<readonly string[]> {
      await using engine = new Engine({});
      const name = `docker://${registry.host}/ns/one:v1`;
      const { transport, reference } = await engine.end(name, "source");
      await using source = await transport.openSource(reference, { signal });
      const bundles = (await source.readBundles?.(digest, { signal })) ?? [];
      return bundles.map((bytes) => Buffer.from(bytes).toString()).sort();
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

test("the bundles of an image are read, and nothing else that refers to it", async () => {
  await using there = await world();
  assert.deepEqual(await there.read(), []);
  there.add("one");
  there.add("two");
  there.add("sbom", { artifactType: "application/spdx+json", layerTypes: ["text/spdx"] });
  there.add("other layer", { layerTypes: ["text/plain"] });
  there.add("two layers", { layerTypes: [bundleMediaType, bundleMediaType] });
  there.add("elsewhere", { subject: digestOf(Buffer.from("another image")) });
  assert.deepEqual(await there.read(), ["one", "two"]);
});

test("a bundle whose size is not what its manifest says fails", async () => {
  await using there = await world();
  there.add("one", { size: 5 });
  await assert.rejects(there.read());
});

test("a bundle larger than any is not fetched", async () => {
  await using there = await world();
  there.add("one", { size: 4 * 1024 * 1024 + 1 });
  await assert.rejects(there.read(), { code: "signature.store-limit" });
});

test("cosign's entries in the fallback tag are found, listed as their config's type", async () => {
  await using there = await world({ referrers: false });
  const made = there.add("one");
  const other = there.add("not listed by us", { subject: digestOf(Buffer.from("another")) });
  const entries = [made, other].map(({ entry }) => ({
    ...entry,
    artifactType: mediaTypes.ociEmpty,
  }));
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries };
  there.registry.seed("ns/one", there.digest.replace(":", "-"), {
    blobs: new Map(),
    manifests: [{ mediaType: mediaTypes.ociIndex, bytes: Buffer.from(JSON.stringify(index)) }],
  });
  assert.deepEqual(await there.read(), ["one"]);
});

test("a registry out of order is no registry without bundles", async () => {
  await using there = await world({ referrers: false });
  const made = there.add("one");
  const entry = { ...made.entry, digest: digestOf(Buffer.from("not there")) };
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] };
  there.registry.seed("ns/one", there.digest.replace(":", "-"), {
    blobs: new Map(),
    manifests: [{ mediaType: mediaTypes.ociIndex, bytes: Buffer.from(JSON.stringify(index)) }],
  });
  await assert.rejects(there.read(), { code: "registry.not-found" });
});
