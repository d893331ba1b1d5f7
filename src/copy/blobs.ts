import type { Digest } from "../core/digest.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { pool } from "../stream/pool.ts";
import type { Compression } from "../stream/recompress.ts";
import type { ImageDestination, ImageSource, ImageWriter } from "../transport/contract.ts";
import type { CopyEvent } from "./events.ts";
import { telling } from "./failure.ts";
import { moveBlob, type WrittenBlob } from "./move-blob.ts";
import type { PlannedLayer } from "./plan.ts";
import type { Transfers } from "./transfers.ts";

/** What the copying of blobs needs to know of its image's copy. */
export interface BlobCopy {
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly writer: ImageWriter;
  readonly transfers: Transfers;
  readonly compression: Compression;
  readonly report: (event: CopyEvent) => void;
  readonly signal: AbortSignal;
}

/** How many blobs are asked after at once; asking takes no transfer slot. */
const lookups = 24;

/**
 * Brings `blobs` over, the biggest first, each adopted where the destination can and moved where not, and does `beside`
 * meanwhile. The first final failure calls off the others.
 *
 * @returns what stands at the destination for each source digest
 */
export async function copyBlobs(
  blobs: readonly PlannedLayer[],
  copy: BlobCopy,
  beside: ((signal: AbortSignal) => Promise<unknown>) | undefined,
): Promise<ReadonlyMap<Digest, WrittenBlob>> {
  const written = new Map<Digest, WrittenBlob>();
  const limit = Math.min(lookups, copy.source.traits.openBlobs, copy.destination.traits.openBlobs);
  const order = blobs.toSorted((a, b) => b.blob.size - a.blob.size);
  const works = order.map((planned) => async (signal: AbortSignal) => {
    written.set(planned.blob.digest, await copyBlob(planned, { ...copy, signal }));
  });
  await pool(beside ? [beside, ...works] : works, limit, copy.signal, async (work, signal) => {
    await work(signal);
  });
  return written;
}

async function copyBlob(planned: PlannedLayer, copy: BlobCopy): Promise<WrittenBlob> {
  const { blob } = planned;
  const place = formatImageReference(copy.destination.reference);
  const what = `${blob.digest} ${planned.wish ? JSON.stringify(planned.wish) : ""}${planned.needsDiffId}`;
  const { value, joined } = await copy.transfers.once(place, what, () => bring(planned, copy));
  if (joined) {
    copy.report({ type: "blob-adopted", blob: blob.digest, size: blob.size, how: "shared" });
  }
  return value;
}

async function bring(planned: PlannedLayer, copy: BlobCopy): Promise<WrittenBlob> {
  const { blob, place } = planned;
  if (planned.adoptable) {
    const { writer, source, signal } = copy;
    const how = await telling(
      `trying to reuse blob ${blob.digest} at destination`,
      "copy.destination-failed",
      () => writer.adoptBlob(blob, place, source.origin ?? source.reference, { signal }),
    );
    if (how) {
      copy.report({ type: "blob-adopted", blob: blob.digest, size: blob.size, how });
      return { descriptor: blob };
    }
  }
  const written = await copy.transfers.inSlot(copy.signal, () => moveBlob(planned, copy));
  const size = written.descriptor.size;
  copy.report({ type: "blob-copied", blob: blob.digest, size: blob.size, written: size });
  return written;
}
