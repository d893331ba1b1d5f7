import type { Digest } from "../core/digest.ts";
import { CopyError } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { mediaTypes } from "../core/media-type.ts";
import type { ImageDestination } from "../transport/contract/image-destination.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import type { Plan } from "./plan.ts";

/** Puts things in the order in which the blobs they are about come; what does not come is last. */
export function inTapeOrder<T>(
  things: readonly T[],
  digestOf: (thing: T) => Digest,
  order: readonly Digest[],
): readonly T[] {
  const places = new Map(order.map((digest, place) => [digest, place]));
  const placeOf = (thing: T) => places.get(digestOf(thing)) ?? order.length;
  return things.toSorted((a, b) => placeOf(a) - placeOf(b));
}

const plainTypes: ReadonlySet<string> = new Set([
  mediaTypes.dockerLayer,
  mediaTypes.dockerForeignLayer,
  mediaTypes.ociLayer,
  mediaTypes.ociForeignLayer,
]);

/**
 * Refuses, before any blob is opened, what would take reading a source twice that can be read once only.
 *
 * @throws {CopyError} `copy.unsupported`
 */
export function refuseSecondReading(
  source: ImageSource,
  destination: ImageDestination,
  plan: Plan,
): void {
  const { access, reopens } = source.traits;
  const { newBlobs, wantsConfig } = destination.traits;
  if (reopens) return;
  if (wantsConfig === true && !isConfigFirst(source, plan)) {
    throw cannot(source, destination, "the config comes after layers, and is needed before them");
  }
  const digests = plan.layers.map(({ blob }) => blob.digest);
  if (access === "tape" && new Set(digests).size < digests.length) {
    throw cannot(source, destination, "a layer is needed that stands in several places");
  }
  if (plan.layers.some(({ needsDiffId }) => needsDiffId)) {
    throw cannot(source, destination, "the layers' uncompressed digests are needed first");
  }
  const { layers } = destination.traits;
  const isChanged = ({ blob, wish }: Plan["layers"][number]) =>
    wish !== undefined && plainTypes.has(blob.mediaType) === (layers === "compressed");
  if (newBlobs === "sized" && layers !== "as-is" && plan.layers.some(isChanged)) {
    throw cannot(source, destination, "the sizes of changed layers are needed first");
  }
}

/** Whether the config can be read before the layers. */
export function isConfigFirst(
  { blobOrder, traits }: ImageSource,
  { config, layers }: Plan,
): boolean {
  if (!config || traits.access === "any" || traits.reopens) return true;
  const blobs = [config, ...layers.map(({ blob }) => blob)];
  return inTapeOrder(blobs, ({ digest }) => digest, blobOrder)[0] === config;
}

/** @returns the refusal of what one reading does not do */
export function cannot(source: ImageSource, destination: ImageDestination, why: string): CopyError {
  const from = formatImageReference(source.reference);
  const to = formatImageReference(destination.reference);
  return new CopyError(
    "copy.unsupported",
    `Cannot copy ${from} to ${to}: the source can be read only once, but ${why}`,
    { hint: "Name a file instead of a pipe" },
  );
}
