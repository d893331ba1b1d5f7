import assert from "node:assert/strict";
import type { Digest } from "../../../src/core/digest.ts";
import type { ServedRepository } from "../../../src/server/repository-name.ts";
import type { Backend } from "../../../src/server/v2/backend.ts";
import type { TestImage } from "../../support/images.ts";
import { testCall } from "./support.ts";

/** Bytes in chunks, whose memory is used again as that of borrowed chunks is. */
export async function* borrowed(bytes: Uint8Array, chunk = 10_000): AsyncGenerator<Uint8Array> {
  const ring = [0, 1, 2].map(() => Buffer.alloc(chunk));
  for (let at = 0, turn = 0; at < bytes.byteLength; at += chunk, turn++) {
    const buffer = ring[turn % 3] ?? Buffer.alloc(chunk);
    const part = bytes.subarray(at, at + chunk);
    buffer.fill(0xee);
    buffer.set(part);
    yield buffer.subarray(0, part.byteLength);
  }
}

/** How a blob is pushed. */
export type PushWay = "whole" | "one patch" | "pieces";

export async function pushBlob(
  backend: Backend,
  repository: ServedRepository,
  blob: { readonly digest: Digest; readonly bytes: Uint8Array },
  way: PushWay = "whole",
): Promise<void> {
  const call = testCall();
  const { digest, bytes } = blob;
  const begun = await backend.beginUpload(repository, { type: "new" }, call);
  assert.equal(begun.type, "open");
  if (begun.type !== "open") return;
  const { id } = begun.upload;
  const cuts = { whole: [], "one patch": [bytes.byteLength], pieces: [1000, 70_000] }[way];
  let at = 0;
  for (const cut of cuts) {
    const part = bytes.subarray(at, cut);
    const range = { first: at, last: at + part.byteLength - 1 };
    const piece = { body: borrowed(part), ...(way === "pieces" && { range }) };
    const state = await backend.appendUpload(repository, id, piece, call);
    at += part.byteLength;
    assert.equal(state.size, at);
  }
  const body = borrowed(bytes.subarray(at));
  await backend.finishUpload(repository, id, { body, digest }, call);
}

/** As clients push: blobs that are not there, manifests of instances, the top one by its tag. */
export async function pushImage(
  backend: Backend,
  repository: ServedRepository,
  image: TestImage,
  options: { readonly tag?: string; readonly way?: PushWay } = {},
): Promise<void> {
  const { tag = "v1", way } = options;
  for (const [name, bytes] of image.blobs) {
    const digest = name as Digest;
    if (await backend.statBlob(repository, digest, testCall())) continue;
    await pushBlob(backend, repository, { digest, bytes }, way);
  }
  await pushManifests(backend, repository, image, tag);
}

export async function pushManifests(
  backend: Backend,
  repository: ServedRepository,
  image: TestImage,
  tag = "v1",
): Promise<void> {
  const { readRawManifest } = await import("../../../src/core/manifest.ts");
  for (const { bytes, mediaType } of image.manifests) {
    const manifest = readRawManifest(bytes, { contentType: mediaType });
    const tags = manifest.digest === image.digest ? [tag] : [];
    const kept = await backend.putManifest(repository, { manifest, tags }, testCall());
    assert.equal(kept.digest, manifest.digest);
  }
}
