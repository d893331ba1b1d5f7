import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Arguments } from "./arguments.ts";
import { run } from "./measure.ts";

/** What our own image is made of: folders below /usr that most machines have, one layer each. */
const layers = ["bin", "include", "lib/python3", "sbin", "share/doc", "share/man", "share/perl"];

/** The same for a short run. */
const quickLayers = ["lib/git-core", "lib/systemd", "sbin", "share/doc", "share/perl"];

/** Makes or finds the image to copy: the folder of an OCI layout in which it is tagged `latest`. */
export async function imageLayout(args: Arguments, work: string): Promise<string> {
  if (args.layout) return args.layout;
  const folder = join(work, "image");
  if (args.images) await run({ words: [...args.images, folder] });
  else await makeImage(folder, args.quick ? quickLayers : layers);
  return folder;
}

interface Content {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The same on the same machine: files in order, without times and owners. */
async function makeImage(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(join(folder, "blobs/sha256"), { recursive: true });
  const made = [];
  for (const name of names) made.push(await makeLayer(folder, name));
  const config = await writeJson(folder, "application/vnd.oci.image.config.v1+json", {
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: made.map(({ diffId }) => diffId) },
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await writeJson(folder, mediaType, {
    schemaVersion: 2,
    mediaType,
    config,
    layers: made.map(({ content }) => content),
  });
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  await writeFile(join(folder, "index.json"), JSON.stringify(index));
  await writeFile(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
}

async function makeLayer(
  folder: string,
  name: string,
): Promise<{ readonly content: Content; readonly diffId: string }> {
  const order = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  const tar = spawn("tar", ["-c", "--ignore-failed-read", ...order, `usr/${name}`], {
    cwd: "/",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const plain = createHash("sha256");
  const packed = createHash("sha256");
  const unnamed = join(folder, "layer");
  let size = 0;
  await pipeline(
    tar.stdout,
    async function* (bytes) {
      for await (const chunk of bytes) {
        plain.update(chunk);
        yield chunk;
      }
    },
    createGzip({ level: 6 }),
    async function* (bytes) {
      for await (const chunk of bytes) {
        packed.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(unnamed),
  );
  const hex = packed.digest("hex");
  await rename(unnamed, join(folder, "blobs/sha256", hex));
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  return {
    content: { mediaType, digest: `sha256:${hex}`, size },
    diffId: `sha256:${plain.digest("hex")}`,
  };
}

async function writeJson(folder: string, mediaType: string, value: object): Promise<Content> {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash("sha256").update(bytes).digest("hex");
  await writeFile(join(folder, "blobs/sha256", hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.byteLength };
}
