import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { pool } from "../stream/pool.ts";
import type { Compression } from "../stream/recompress.ts";
import type { ImageDestination, ImageWriter } from "../transport/contract/image-destination.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import type { CopyEvent } from "./events.ts";
import { adopting } from "./failure.ts";
import type { LayerCrypto } from "./layer-crypto.ts";
import { moveBlob, type WrittenBlob } from "./move-blob.ts";
import type { PlannedLayer } from "./plan.ts";
import { inTapeOrder } from "./tape.ts";
import type { Transfers } from "./transfers.ts";
import { type Turn, Turns } from "./turns.ts";

/** What the copying of blobs needs to know of its image's copy. */
export interface BlobCopy {
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly writer: ImageWriter;
  readonly transfers: Transfers;
  readonly compression: Compression;
  readonly crypto?: LayerCrypto;
  readonly report: (event: CopyEvent) => void;
  readonly signal: AbortSignal;
}

/** How many blobs are asked after at once; asking takes no transfer slot. */
const lookups = 24;

/** What is to be done with one blob. */
export interface BlobWork {
  readonly digest: Digest;
  work(signal: AbortSignal): Promise<unknown>;
}

/**
 * Brings `blobs` over, each adopted where the destination can and moved where not, and does `beside` meanwhile: in the
 * order that a tape has or the destination wants, else the biggest first. The first final failure calls off the others.
 *
 * @returns what stands at the destination for each source digest
 */
export async function copyBlobs(
  blobs: readonly PlannedLayer[],
  copy: BlobCopy,
  beside: BlobWork | undefined,
): Promise<ReadonlyMap<Digest, WrittenBlob>> {
  const { source, destination } = copy;
  const written = new Map<Digest, WrittenBlob>();
  const isTape = source.traits.access === "tape";
  const openBlobs = isTape ? 1 : source.traits.openBlobs;
  const limit = Math.min(lookups, openBlobs, destination.traits.openBlobs);
  const turns = new Turns();
  const works = inOrder(blobs, copy).map((planned): BlobWork => {
    const turn = turns.next();
    return {
      digest: planned.blob.digest,
      async work(signal) {
        written.set(planned.blob.digest, await copyBlob(planned, { ...copy, signal }, turn));
      },
    };
  });
  const all = beside ? [beside, ...works] : works;
  const order = isTape ? inTapeOrder(all, ({ digest }) => digest, source.blobOrder) : all;
  await pool(order, limit, copy.signal, async ({ work }, signal) => {
    await work(signal);
  });
  return written;
}

function inOrder(blobs: readonly PlannedLayer[], { source, destination }: BlobCopy) {
  if (source.traits.access === "tape") {
    return inTapeOrder(blobs, ({ blob }) => blob.digest, source.blobOrder);
  }
  if (destination.traits.layerOrder === "base-first") return blobs;
  return blobs.toSorted((a, b) => b.blob.size - a.blob.size);
}

async function copyBlob(planned: PlannedLayer, copy: BlobCopy, turn: Turn): Promise<WrittenBlob> {
  const { blob } = planned;
  const { reference, blobPlace } = copy.destination;
  const place = blobPlace ?? formatImageReference(reference);
  const what = whatOf(planned, copy);
  const isOrdered = copy.destination.traits.layerOrder === "base-first";
  if (isOrdered) await turn.come;
  using _ = { [Symbol.dispose]: turn.pass };
  const { value, joined } = await copy.transfers.once(place, what, () =>
    bring(planned, copy, turn),
  );
  if (joined && blobPlace !== undefined && !(await takeOver(value, planned, copy))) {
    return await bring(planned, copy, turn); // it was there, and is no more
  }
  if (joined) {
    copy.report({ type: "blob-adopted", blob: blob.digest, size: blob.size, how: "shared" });
  }
  return value;
}

/** Has this image count on a blob that another image of the run has brought. */
async function takeOver(
  { descriptor }: WrittenBlob,
  { place }: PlannedLayer,
  { writer, source, signal }: BlobCopy,
): Promise<boolean> {
  const how = await adopting(descriptor.digest, () =>
    writer.adoptBlob(descriptor, place, source.origin ?? source.reference, { signal }),
  );
  return how !== false;
}

/** What makes two transfers the same. */
function whatOf(
  { blob, wish, cipher, needsDiffId, place }: PlannedLayer,
  { destination }: BlobCopy,
) {
  const at = destination.traits.layerPlaces === "each" ? ` ${place.positions}` : "";
  return `${blob.digest} ${wish ? JSON.stringify(wish) : ""}${cipher ?? ""}${needsDiffId}${at}`;
}

async function bring(planned: PlannedLayer, copy: BlobCopy, turn: Turn): Promise<WrittenBlob> {
  const { transfers, destination, signal } = copy;
  const inSlot = <T>(work: () => Promise<T>) => transfers.inSlot(signal, work);
  const move = async () => {
    turn.pass();
    const written = await moveBlob(planned, copy);
    const { digest, size } = planned.blob;
    copy.report({ type: "blob-copied", blob: digest, size, written: written.descriptor.size });
    return written;
  };
  const { blobPool } = destination;
  if (blobPool !== undefined && planned.adoptable) {
    return await transfers.bring<WrittenBlob>({
      key: `${blobPool} ${whatOf(planned, copy)}`,
      signal,
      adopt: (again, earlier) => adopt(planned, copy, again, earlier),
      inSlot,
      move,
    });
  }
  return (await adopt(planned, copy)) ?? (await inSlot(move));
}

/**
 * What the destination has that will do, and now counts as the image's; undefined where it has nothing.
 *
 * @param again somebody else has just been at it
 * @param earlier what it became when it was moved to another place of the same pool
 */
async function adopt(
  planned: PlannedLayer,
  copy: BlobCopy,
  again = false,
  earlier?: WrittenBlob,
): Promise<WrittenBlob | undefined> {
  const { blob, place, instead } = planned;
  const { writer, source, signal } = copy;
  const ask = async (asked: Descriptor) => {
    const how = await adopting(asked.digest, () =>
      writer.adoptBlob(asked, place, source.origin ?? source.reference, { signal }),
    );
    if (how) copy.report({ type: "blob-adopted", blob: blob.digest, size: blob.size, how });
    return how;
  };
  if (earlier && earlier.descriptor.digest !== blob.digest) {
    const { digest, size } = earlier.descriptor;
    const descriptor = { ...blob, digest, size };
    return (await ask({ ...descriptor, size: -1 })) ? { ...earlier, descriptor } : undefined;
  }
  if (instead) {
    const { digest, size, compression } = instead;
    const descriptor = { mediaType: blob.mediaType, digest, size };
    // Without its size: a small one would be taken for missing, since it is quickly sent. This one cannot be.
    const held = await ask({ ...descriptor, size: -1 });
    return held ? { descriptor, compression } : undefined;
  }
  if (!planned.adoptable) return undefined;
  return (await ask(again ? { ...blob, size: -1 } : blob)) ? { descriptor: blob } : undefined;
}
