import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { BlobStream } from "../../stream/blob-stream.ts";
import { readRegion } from "../../stream/random-access.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { OpenBlob } from "../v2/backend.ts";
import { readAt } from "./read-file-part.ts";
import type { UpstreamStore } from "./store.ts";

/** A blob that is held, to be sent on; undefined where it is not. */
export async function openHeldStream(
  store: UpstreamStore,
  repository: ServedRepository,
  digest: Digest,
  call: ServerCall,
): Promise<BlobStream | undefined> {
  const open = await store.openBlob(repository, digest, call);
  if (!open) return undefined;
  const descriptor: Descriptor = {
    mediaType: "application/octet-stream",
    digest,
    size: open.size,
  };
  return new BlobStream(descriptor, (from) => bytesOf(open, from, call.signal), {
    reopens: true,
    release: async () => await open[Symbol.asyncDispose](),
  });
}

function bytesOf(open: OpenBlob, from: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const { descriptor, size } = open;
  if (descriptor === undefined) return copied(open.read({ start: from, end: size }, signal));
  const file = {
    size,
    read: (into: Uint8Array, position: number) => readAt(descriptor, into, position),
  };
  return readRegion(file, { offset: from, size: size - from }, signal);
}

/** Chunks that live for longer than those of an open blob do. */
async function* copied(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of bytes) yield Buffer.from(chunk);
}
