import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

const layerBytes = 300_000;
const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** A registry that holds one image, `warm/image:latest`, believes what it is sent, and asks for nothing. */
export function warmRegistry(): Server {
  const held = new Map<string, Buffer>();
  const image = addImage(held);
  held.set("/v2/warm/image/manifests/latest", image);
  return createServer((request, response) => {
    response.setHeader("docker-distribution-api-version", "registry/2.0");
    if (request.method === "HEAD" || request.method === "GET") read(held, request, response);
    else void write(held, request, response);
  });
}

/** Puts an image's blobs there; gives its manifest. */
function addImage(held: Map<string, Buffer>): Buffer {
  const add = (bytes: Buffer, mediaType: string) => {
    const digest = digestOf(bytes);
    held.set(`/v2/warm/image/blobs/${digest}`, bytes);
    return { mediaType, size: bytes.length, digest };
  };
  const plain = [1, 2].map(() => randomBytes(layerBytes));
  const config = {
    architecture: process.arch === "x64" ? "amd64" : "arm64",
    os: "linux",
    created: "2026-01-01T00:00:00Z",
    config: { Env: ["PATH=/bin"], Cmd: ["true"], Labels: { warm: "yes" } },
    rootfs: { type: "layers", diff_ids: plain.map(digestOf) },
    history: plain.map(() => ({ created: "2026-01-01T00:00:00Z", created_by: "warm" })),
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: add(
      Buffer.from(JSON.stringify(config)),
      "application/vnd.docker.container.image.v1+json",
    ),
    layers: plain.map((bytes) =>
      add(gzipSync(bytes), "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    ),
  };
  return Buffer.from(JSON.stringify(manifest));
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function read(held: Map<string, Buffer>, request: IncomingMessage, response: ServerResponse) {
  const path = pathOf(request);
  if (path.endsWith("/tags/list")) {
    return void response.end(JSON.stringify({ name: "warm/image", tags: ["latest"] }));
  }
  const bytes = path === "/v2/" ? Buffer.from("{}") : held.get(path);
  if (!bytes) {
    response.writeHead(404, { "content-type": "application/json" });
    return void response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}');
  }
  response.writeHead(200, {
    "content-type": path.includes("/manifests/") ? manifestType : "application/octet-stream",
    "content-length": bytes.length,
    "docker-content-digest": digestOf(bytes),
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

let sessions = 0;

async function write(
  held: Map<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const sent = await Array.fromAsync(request as AsyncIterable<Buffer>);
  const path = pathOf(request);
  const bytes = Buffer.concat([held.get(path) ?? Buffer.alloc(0), ...sent]);
  const name = path.replace(/\/(manifests|blobs)\/.*/, "");
  if (request.method === "POST" || request.method === "PATCH") {
    const location = request.method === "POST" ? `${name}/blobs/uploads/${sessions++}` : path;
    held.set(location, bytes);
    response.writeHead(202, { location, range: `0-${Math.max(0, bytes.length - 1)}` });
    return void response.end();
  }
  const digest = digestOf(bytes);
  if (path.includes("/manifests/")) held.set(path, bytes);
  else held.set(`${name}/blobs/${digest}`, bytes);
  response.writeHead(201, { location: path, "docker-content-digest": digest });
  response.end();
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.replace(/\?.*/, "");
}
