import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { randomBytesOf } from "../random.ts";
import { type Answer, call, pushBlob } from "./client.ts";

/** An image that a server said it has. */
export interface LoadImage {
  readonly repository: string;
  readonly tag: string;
  readonly digest: Digest;
  readonly blobs: readonly Digest[];
}

/** Where the server is just now: a restart may change it. */
export interface LoadTarget {
  url: string;
}

/** The server gave bytes that are not what they are called, or has not what it acknowledged: never to be forgiven. */
export class BrokenPromise extends Error {}

/** The server did not do what it was asked, and did not say that it did. */
export class NotDone extends Error {}

/** Pushes an image of `layers`, made of their seeds and sizes; acknowledged when this returns. */
export async function pushLoadImage(
  { url }: LoadTarget,
  repository: string,
  tag: string,
  layers: readonly (readonly [seed: number, size: number])[],
): Promise<LoadImage> {
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", tag }));
  const bytes = [config, ...layers.map(([seed, size]) => randomBytesOf(seed, size))];
  const blobs: Digest[] = [];
  for (const blob of bytes) {
    blobs.push(await pushBlob(url, repository, blob).catch((error) => throwNotDone(error)));
  }
  const [first, ...rest] = blobs.map((digest, at) => ({ digest, size: bytes[at]?.length ?? 0 }));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, ...first },
    layers: rest.map((each) => ({ mediaType: mediaTypes.ociLayer, ...each })),
  });
  const answer = await call(url, "PUT", `/v2/${repository}/manifests/${tag}`, {
    headers: { "Content-Type": mediaTypes.ociManifest },
    body: manifest,
  });
  if (answer.status !== 201) throw new NotDone(`PUT of a manifest: ${answer.status}`);
  return { repository, tag, digest: digestOf(Buffer.from(manifest)), blobs };
}

/**
 * Pulls all of an image by its tag.
 *
 * @throws {BrokenPromise} where it is not there, or other than it was pushed
 * @throws {NotDone} where the server could not
 */
export async function pullLoadImage({ url }: LoadTarget, image: LoadImage): Promise<number> {
  const at = `/v2/${image.repository}`;
  const manifest = await call(url, "GET", `${at}/manifests/${image.tag}`);
  let pulled = checked(manifest, image.digest, `${at}/manifests/${image.tag}`);
  for (const digest of image.blobs) {
    pulled += checked(await call(url, "GET", `${at}/blobs/${digest}`), digest, `${at} ${digest}`);
  }
  return pulled;
}

function checked({ status, body }: Answer, digest: Digest, what: string): number {
  if (status === 404) throw new BrokenPromise(`${what} is gone: ${body}`);
  if (status !== 200) throw new NotDone(`${what}: ${status} ${body}`);
  const found = digestOf(body);
  if (found !== digest) throw new BrokenPromise(`${what} has the bytes of ${found}`);
  return body.length;
}

function throwNotDone(error: unknown): never {
  throw new NotDone(String(error), { cause: error });
}

/** Numbers that look random and depend on the seed alone. */
export function dice(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
