import assert from "node:assert/strict";
import { createGate } from "../../../policy/gate.ts";
import { acceptAnything } from "../../../policy/policy.ts";
import { copy } from "../../../src/copy/copy.ts";
import { createTransfers } from "../../../src/copy/transfers.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { parseDockerReference } from "../../../src/core/docker-reference.ts";
import { Compression } from "../../../src/stream/recompress.ts";
import { StorageDestination } from "../../../src/transport/containers-storage/destination.ts";
import { makeImage, type TestImage } from "../../support/images.ts";
import { MemorySource, transportOf } from "../../support/memory-ends.ts";
import { noTrust } from "../../support/no-trust.ts";
import { storeTest, type TempStore, tempStore } from "../../support/temp-store.ts";

const honest = makeImage({ seed: 500, type: "oci" });

/** The same manifest, but for a config that speaks of other layers. */
function lyingImage(): TestImage {
  const other = makeImage({ seed: 501, type: "oci" }).config;
  const config = makeImage({ seed: 501, type: "oci" }).blobs.get(other?.digest ?? "");
  const text = Buffer.from(honest.bytes).toString();
  const bytes = Buffer.from(
    text
      .replace(`${honest.config?.digest}`, `${other?.digest}`)
      .replace(new RegExp(`("size": ?)${honest.config?.size}\\b`), `$1${other?.size}`),
  );
  const blobs = new Map([...honest.blobs, [`${other?.digest}`, config ?? new Uint8Array()]]);
  const manifests = [{ mediaType: honest.mediaType, bytes }];
  return { ...honest, ...(other && { config: other }), bytes, blobs, manifests };
}

/** Copies from a source that is read once, its config behind its layers. */
async function copyTape(image: TestImage, temp: TempStore): Promise<string> {
  const blobOrder = [...image.layers, image.config].flatMap((blob) => (blob ? [blob.digest] : []));
  const traits = { access: "tape", reopens: false } as const;
  const source = new MemorySource(image, { traits, blobOrder });
  const docker = parseDockerReference("localhost/app:1");
  const { reference } = source;
  const destination = new StorageDestination(reference, await temp.open(), { docker });
  return await copy({
    from: { transport: transportOf({ source }), reference },
    to: { transport: transportOf({ destination }), reference },
    gate: createGate(acceptAnything, noTrust),
    options: {
      select: { type: "system" },
      platform: { os: "linux", architecture: "amd64" },
      preserveDigests: false,
      removeSignatures: false,
      compression: { force: false },
    },
    transfers: createTransfers(2),
    compression: new Compression({ parallel: 1 }),
    report: () => {},
    tellLayers: false,
    signal: new AbortController().signal,
  });
}

storeTest("a config that comes behind the layers is compared with what they were", async () => {
  await using temp = await tempStore("vfs");
  await assert.rejects(copyTape(lyingImage(), temp), /a layer unpacks to sha256:.*config says/);
  const store = await temp.open();
  assert.deepEqual(await store.images(), []);
  assert.equal(await copyTape(honest, temp), digestOf(honest.bytes));
  const image = await store.findImage("localhost/app:1");
  assert.equal(image?.id, honest.config?.digest.slice(7));
});
