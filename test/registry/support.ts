import assert from "node:assert/strict";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { digestOf } from "../../src/core/digest.ts";
import { readRawManifest } from "../../src/core/manifest.ts";
import type { Clock } from "../../src/registry/clock.ts";
import type { Credentials } from "../../src/registry/credentials.ts";
import type { RegistryEvent } from "../../src/registry/events.ts";
import { createRegistryHost, type RegistryHost } from "../../src/registry/host.ts";
import { createHttpClient } from "../../src/registry/http/client.ts";
import type { HttpClient, HttpTimeouts } from "../../src/registry/http/contract.ts";
import type { RegistryHostOptions } from "../../src/registry/options.ts";
import type { Repository } from "../../src/registry/repository.ts";
import { BlobStream } from "../../src/stream/blob-stream.ts";
import { pool } from "../../src/stream/pool.ts";
import type { TestImage } from "../support/images.ts";
import { randomBytesOf } from "../support/random.ts";
import type { Registry } from "../support/registry.ts";

/** A clock that stands still but for sleeps: every one passes at once, and is written down. */
export interface FastClock extends Clock {
  readonly slept: number[];
}

export function fastClock(): FastClock {
  let time = Date.now();
  const slept: number[] = [];
  return {
    slept,
    now: () => time,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      slept.push(ms);
      time += ms;
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    },
  };
}

export interface TestHost extends AsyncDisposable {
  readonly host: RegistryHost;
  readonly http: HttpClient;
  readonly clock: FastClock;
  readonly events: RegistryEvent[];
}

export interface TestHostOptions extends Partial<Omit<RegistryHostOptions, "credentials">> {
  readonly credentials?: Credentials;
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly connections?: number;
}

/** A client of the registry at `host`, insecure unless told, that waits for nothing. */
export function testHost(host: string, options: TestHostOptions = {}): TestHost {
  const { credentials, timeouts, connections = 16, ...rest } = options;
  const clock = fastClock();
  const events: RegistryEvent[] = [];
  const http = createHttpClient({
    tlsFor: () => ({ ca: [], clientCertificates: [], verify: false }),
    proxyFor: () => undefined,
    connections,
    ...(timeouts && { timeouts }),
  });
  const made = createRegistryHost({
    host,
    http,
    credentials: async () => credentials,
    security: "insecure",
    userAgent: "skopeo/1.22.0",
    clock,
    random: () => 0.5,
    report: (event) => events.push(event),
    ...rest,
  });
  return {
    host: made,
    http,
    clock,
    events,
    async [Symbol.asyncDispose]() {
      await made[Symbol.asyncDispose]();
      await http[Symbol.asyncDispose]();
    },
  };
}

/** Bytes and what describes them. */
export function testBlob(size: number, seed = 1): { bytes: Uint8Array; descriptor: Descriptor } {
  const bytes = randomBytesOf(seed, size);
  const mediaType = "application/octet-stream";
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size } };
}

/** A blob stream over bytes held, in chunks of `chunk`, with buffers used again as sources do. */
export function streamOf(
  bytes: Uint8Array,
  descriptor: Descriptor,
  options: { readonly chunk?: number; readonly reopens?: boolean } = {},
): BlobStream {
  const { chunk = 64 * 1024, reopens = true } = options;
  return new BlobStream(
    descriptor,
    async function* (from) {
      const ring = Array.from({ length: 4 }, () => Buffer.alloc(chunk));
      let turn = 0;
      for (let at = from; at < bytes.byteLength; at += chunk) {
        const part = bytes.subarray(at, at + chunk);
        const buffer = ring[turn++ % ring.length] ?? Buffer.alloc(chunk);
        buffer.set(part);
        await Promise.resolve();
        yield buffer.subarray(0, part.byteLength);
      }
    },
    { reopens },
  );
}

/** All bytes of a stream. */
export async function collected(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Copies one image by tag as a copy would: manifest, blobs adopted or moved two at a time, manifest. */
export async function copyThrough(
  source: Repository,
  destination: Repository,
  image: TestImage,
  options: { readonly mountFrom?: readonly string[]; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const { mountFrom = [], signal = new AbortController().signal } = options;
  const { bytes, contentType } = await source.readManifest("v1", { signal });
  const manifest = readRawManifest(bytes, contentType === undefined ? {} : { contentType });
  assert.equal(manifest.digest, image.digest);
  const blobs = [...image.layers, ...(image.config ? [image.config] : [])];
  await pool(blobs, 2, signal, async (blob, either) => {
    const adopted = await destination.adoptBlob(blob, mountFrom, { signal: either });
    if (adopted) return;
    await using stream = await source.openBlob(blob, { signal: either });
    await destination.writeBlob(stream, { signal: either });
  });
  await destination.writeManifest("v1", manifest, { signal });
}

/** Fails unless a registry holds the whole image, byte for byte. */
export function assertHolds(registry: Registry, path: string, image: TestImage): void {
  const there = registry.store.repositories.get(path);
  assert.equal(there?.tags.get("v1"), image.digest);
  for (const digest of image.blobs.keys())
    assert.ok(there?.blobs.has(digest), `${digest} is missing`);
}
