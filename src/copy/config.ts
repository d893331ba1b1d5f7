import type { Descriptor } from "../core/descriptor.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { mediaTypes } from "../core/media-type.ts";
import { BlobStream } from "../stream/blob-stream.ts";
import { readBounded } from "../stream/bounded.ts";
import type { BlobPlace } from "../transport/contract/image-destination.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import type { BlobCopy } from "./blobs.ts";
import { adopting, telling } from "./failure.ts";

/** The largest image config held in memory, bytes — `specs/registry.md` 6.2. */
const maxConfigBytes = 8 * 1024 * 1024;

const place: BlobPlace = { role: "config", positions: [] };

/** The config of an image: read when it is first wanted, once. */
export interface HeldConfig {
  readonly descriptor: Descriptor;
  /** Undefined of an artifact's config too large to hold, which moves as a blob. */
  bytes(): Promise<Uint8Array | undefined>;
}

/** A config at the source: not read where the destination turns out to hold it. */
export function configAt(
  source: ImageSource,
  descriptor: Descriptor,
  signal: AbortSignal,
): HeldConfig {
  let reading: Promise<Uint8Array | undefined> | undefined;
  return {
    descriptor,
    bytes() {
      reading ??= read(source, descriptor, signal);
      return reading;
    },
  };
}

async function read(
  source: ImageSource,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (descriptor.size > maxConfigBytes && !isImageConfig(descriptor)) return undefined;
  const reading = `reading config blob ${descriptor.digest}`;
  await using blob = await telling(reading, "copy.source-failed", () =>
    source.openBlob(descriptor, { signal }),
  );
  return await readBounded(blob, maxConfigBytes, `config ${descriptor.digest}`);
}

function isImageConfig({ mediaType }: Descriptor): boolean {
  return mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig;
}

/** Puts a config at the destination: once, however often it is asked for. */
export async function pushConfig({ descriptor, bytes }: HeldConfig, copy: BlobCopy): Promise<void> {
  const { writer, source, signal, destination } = copy;
  const destinationName = formatImageReference(destination.reference);
  const adopt = async (again: boolean) => {
    const asked = again ? { ...descriptor, size: -1 } : descriptor;
    const how = await adopting(descriptor.digest, () =>
      writer.adoptBlob(asked, place, source.origin ?? source.reference, { signal }),
    );
    return how || undefined;
  };
  const move = async () => {
    const content = await bytes();
    await using blob = content
      ? heldBlob(descriptor, content)
      : await source.openBlob(descriptor, { signal });
    const write = () => writer.writeBlob(blob, place, { signal });
    await (content ? telling("writing blob", "copy.destination-failed", write) : write());
    return "moved";
  };
  await copy.transfers.once(destinationName, `config ${descriptor.digest}`, async () => {
    const { blobPool } = destination;
    if (blobPool === undefined) return (await adopt(false)) ?? (await move());
    const key = `${blobPool} config ${descriptor.digest}`;
    const inSlot = <T>(work: () => Promise<T>) => work();
    return await copy.transfers.bring<string>({ key, signal, adopt, move, inSlot });
  });
}

function heldBlob(descriptor: Descriptor, bytes: Uint8Array): BlobStream {
  return new BlobStream(
    descriptor,
    async function* (from) {
      yield bytes.subarray(from);
    },
    { reopens: true },
  );
}
