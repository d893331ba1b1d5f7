import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";

const base = { layers: 4, bytes: 3_000_000 };
const type = "application/vnd.oci.image.";

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Layer {
  readonly blob: Blob;
  readonly diffId: string;
}

/** How many tags, and the bytes of the layer that each has for itself. */
export interface ManyTags {
  readonly count: number;
  readonly ownBytes: number;
}

/**
 * Fills a repository, at plain http, with images tagged v0, v1, …: four layers of 3 MB that all share, and one of their
 * own. The layers are noise: what packing them would cost is nobody's matter here.
 */
export async function pushManyTags(
  host: string,
  repository: string,
  { count, ownBytes }: ManyTags,
): Promise<void> {
  const at = `http://${host}/v2/${repository}`;
  const shared: Layer[] = [];
  for (let n = 0; n < base.layers; n++) shared.push(await pushLayer(at, base.bytes));
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < count; n = next++) {
      await pushImage(at, `v${n}`, [...shared, await pushLayer(at, ownBytes)]);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

async function pushImage(at: string, tag: string, layers: readonly Layer[]): Promise<void> {
  const config = await pushBlob(
    at,
    `${type}config.v1+json`,
    json({
      architecture: "amd64",
      os: "linux",
      created: "2026-01-01T00:00:00Z",
      config: { Env: [`TAG=${tag}`] },
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    }),
  );
  const mediaType = `${type}manifest.v1+json`;
  const manifest = json({
    schemaVersion: 2,
    mediaType,
    config,
    layers: layers.map(({ blob }) => blob),
  });
  await send("PUT", `${at}/manifests/${tag}`, manifest, mediaType);
}

async function pushLayer(at: string, size: number): Promise<Layer> {
  const plain = randomBytes(size);
  const blob = await pushBlob(at, `${type}layer.v1.tar+gzip`, gzipSync(plain, { level: 1 }));
  return { blob, diffId: digestOf(plain) };
}

async function pushBlob(at: string, mediaType: string, bytes: Buffer): Promise<Blob> {
  const digest = digestOf(bytes);
  const opened = await send("POST", `${at}/blobs/uploads/`, Buffer.alloc(0));
  const place = new URL(opened.headers.get("location") ?? "", at);
  place.searchParams.set("digest", digest);
  await send("PUT", place.href, bytes);
  return { mediaType, digest, size: bytes.length };
}

async function send(
  method: string,
  url: string,
  body: Buffer,
  mediaType = "application/octet-stream",
): Promise<Response> {
  const headers = { "content-type": mediaType };
  const response = await fetch(url, { method, body: new Uint8Array(body), headers });
  await response.arrayBuffer();
  if (response.ok) return response;
  throw new Error(`${method} ${url}: ${response.status}`);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
