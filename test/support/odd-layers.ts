import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import type { TestImage } from "./images.ts";
import { randomBytesOf } from "./random.ts";
import { run } from "./run.ts";
import { tempFolder } from "./temp.ts";

/** A tar by GNU tar of files of many kinds and sizes, names that are long or not UTF-8, links and a FIFO. */
export async function oddTar(seed: number): Promise<Buffer> {
  await using folder = await tempFolder();
  const put = async (name: string | Buffer, bytes: Uint8Array) => {
    const path = Buffer.concat([Buffer.from(`${folder.in("tree")}/`), Buffer.from(name)]);
    await writeFile(path, bytes);
  };
  await mkdir(folder.in("tree", "etc", "d".repeat(120)), { recursive: true });
  await mkdir(folder.in("tree", "empty"));
  for (const size of [0, 1, 3, 511, 512, 513, 70_001]) {
    await put(`etc/file-${size}`, randomBytesOf(seed + size, size));
  }
  await put("big", randomBytesOf(seed, 2_500_001));
  await put("zeros", Buffer.alloc(300_000));
  await put(`etc/${"d".repeat(120)}/${"é".repeat(60)}`, Buffer.from("long"));
  await put(Buffer.from([0x66, 0xff, 0xfe, 0x2e, 0x78]), Buffer.from("not UTF-8"));
  await put('quote " back\\slash <&> new\nline', Buffer.from("quoted"));
  const script =
    "cd tree && ln etc/file-513 hard && ln -s etc/file-1 soft && ln -s /nowhere dangling && mkfifo pipe && chmod 4711 big && " +
    "tar --format=pax --sort=name --mtime=@1700000000.123456789 --numeric-owner --owner=12 --group=34 -cf ../tar .";
  const made = await run("/bin/sh", ["-c", script], { cwd: folder.path });
  if (made.exitCode !== 0) throw new Error(made.stderr);
  return await readFile(folder.in("tar"));
}

const mediaTypesOf = {
  oci: [mediaTypes.ociManifest, mediaTypes.ociConfig, mediaTypes.ociLayerGzip],
  docker: [mediaTypes.dockerManifest, mediaTypes.dockerConfig, mediaTypes.dockerLayerGzip],
} as const;

/** An image of these plain tars, gzipped unless told, which is what its manifest says in any case; OCI's unless told. */
export function imageOfTars(
  tars: readonly Uint8Array[],
  type: keyof typeof mediaTypesOf = "oci",
  pack: (tar: Uint8Array) => Uint8Array = (tar) => gzipSync(tar),
): TestImage {
  const [mediaType, configType, layerType] = mediaTypesOf[type];
  const layers = tars.map((tar) => pack(tar));
  const describe = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    size: bytes.byteLength,
    digest: digestOf(bytes),
  });
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const config = json({
    created: "2024-01-02T03:04:05Z",
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) },
    history: tars.map(() => ({ created: "2024-01-02T03:04:05Z", created_by: "tar" })),
  });
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: describe(configType, config),
    layers: layers.map((layer) => describe(layerType, layer)),
  };
  const bytes = json(manifest);
  return {
    mediaType,
    bytes,
    digest: digestOf(bytes),
    descriptor: describe(mediaType, bytes),
    config: manifest.config,
    layers: manifest.layers,
    blobs: new Map<string, Uint8Array>([
      [manifest.config.digest, config],
      ...layers.map((layer) => [digestOf(layer), layer] as const),
    ]),
    manifests: [{ mediaType, bytes }],
  };
}
