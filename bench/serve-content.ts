import { digestOf } from "../src/core/digest.ts";
import { randomBytesOf } from "../test/support/random.ts";
import { call, pushBlob } from "../test/support/server/client.ts";

/** An image that is pushed to be asked for. */
export interface HostedImage {
  readonly config: Uint8Array;
  readonly layers: readonly { readonly digest: string; readonly bytes: Uint8Array }[];
  readonly manifest: string;
}

export const manifestType = "application/vnd.oci.image.manifest.v1+json";

/** With layers of these sizes. */
export function hostedImage(sizes: readonly number[]): HostedImage {
  const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"}}');
  const layers = sizes.map((size, at) => {
    const bytes = randomBytesOf(at + 1, size);
    return { bytes, digest: digestOf(bytes) };
  });
  return { config, layers, manifest: manifestOver(config, layers) };
}

/** A manifest over them, of its own by its name. */
export function manifestOver(
  config: Uint8Array,
  layers: HostedImage["layers"],
  name = "bench",
): string {
  const typed = (kind: string, digest: string, bytes: Uint8Array) => ({
    mediaType: `application/vnd.oci.image.${kind}`,
    digest,
    size: bytes.length,
  });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: typed("config.v1+json", digestOf(config), config),
    layers: layers.map(({ digest, bytes }) => typed("layer.v1.tar", digest, bytes)),
    annotations: { name },
  });
}

/** Pushes an image, or one with layers of the given sizes, as `latest`. */
export async function pushImage(
  port: number,
  repository: string,
  what: HostedImage | readonly number[],
): Promise<void> {
  const image = "manifest" in what ? what : hostedImage(what);
  const origin = `http://127.0.0.1:${port}`;
  for (const bytes of [image.config, ...image.layers.map((layer) => layer.bytes)]) {
    await pushBlob(origin, repository, bytes);
  }
  await putManifest(port, repository, "latest", image.manifest);
}

/** @throws {Error} where it is not taken */
export async function putManifest(
  port: number,
  repository: string,
  tag: string,
  manifest: string,
): Promise<void> {
  const { status, body } = await call(
    `http://127.0.0.1:${port}`,
    "PUT",
    `/v2/${repository}/manifests/${tag}`,
    { body: manifest, headers: { "Content-Type": manifestType } },
  );
  if (status !== 201) throw new Error(`PUT of ${tag}: ${status} ${body}`);
}

/** Of its first layer. */
export function layerPath(repository: string, { layers: [layer] }: HostedImage): string {
  return `/v2/${repository}/blobs/${layer?.digest}`;
}
