import { KnownError } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { isImageManifestType, isIndexType } from "../core/media-type.ts";
import type { HeldManifest } from "../transport/contract/transport.ts";
import type { CopyJob } from "./copy.ts";
import { readingSignatures, telling } from "./failure.ts";
import { wasMade } from "./made-before.ts";
import { areAllowed, isSame, keepsDigest, keepsImages } from "./unchanged.ts";

/** Asks the source where its answer may settle it: of one expected to be there, when the destination has something. */
export function askSource(
  job: CopyJob,
  destination: Promise<HeldManifest | undefined>,
): Promise<HeldManifest | undefined> | undefined {
  if (job.tellLayers || job.expects === "nothing") return undefined;
  if (!job.from.transport.digestOf || job.from.transport.tellsDestinationsOnly) return undefined;
  const { tellsDestinationsOnly = false } = job.to.transport;
  if (job.expects === "same" || tellsDestinationsOnly)
    return destination.then((held) => held && headSource(job, held));
  return job.options.select.type === "system" ? headSource(job) : undefined;
}

/** What two heads tell; undefined where they do not. */
export function compared(
  job: CopyJob,
  from: HeldManifest,
  held: HeldManifest,
): "same" | "different" | undefined {
  if (wasMade(job, from, held)) return "same";
  if (!isCopiedWhole(job, from)) return undefined;
  const keeps = isImageManifestType(from.mediaType) ? keepsImages(job) : keepsDigest(job);
  return keeps && isSame(from, held) ? "same" : "different";
}

/** Whether a copy leaves the destination with what the source's name stands for, and not with one image of it. */
function isCopiedWhole({ options }: CopyJob, { mediaType }: HeldManifest): boolean {
  if (isImageManifestType(mediaType)) return true;
  return options.select.type === "all" && isIndexType(mediaType);
}

/** @param likely what the destination has: most images of a mirror are as they were */
function headSource(
  { from, signal }: CopyJob,
  likely?: HeldManifest,
): Promise<HeldManifest | undefined> {
  const name = formatImageReference(from.reference);
  return telling(`initializing source ${name}`, "copy.source-failed", async () =>
    from.transport.digestOf?.(from.reference, "source", { signal, ...(likely && { likely }) }),
  );
}

/**
 * What the destination's name stands for; nothing is asked where it is expected to be free.
 *
 * @throws {CopyError} `copy.destination-failed` where it cannot be asked
 */
export function headDestination({
  to,
  signal,
  expects,
}: CopyJob): Promise<HeldManifest | undefined> {
  if (expects === "nothing") return Promise.resolve(undefined);
  const name = formatImageReference(to.reference);
  return telling(`initializing destination ${name}`, "copy.destination-failed", async () =>
    to.transport.digestOf?.(to.reference, "destination", { signal }),
  );
}

/** A destination out of reach is told of when it is written to. */
export async function unlessUnreachable(
  asked: Promise<HeldManifest | undefined>,
  signal: AbortSignal,
): Promise<HeldManifest | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KnownError || signal.aborted) return undefined;
    throw error;
  }
}

/** Whether what is there may stay as it is, and lacks no signature. The gate comes first: it can tell without a request. */
export async function isAllowedAsItIs(job: CopyJob, source: HeldManifest): Promise<boolean> {
  if (!isImageManifestType(source.mediaType)) return await isListAllowed(job, source);
  return (await areAllowed(job, [source.digest])) && (await carriesNothing(job, source));
}

/** Its images are not known: the gate has to let in all of that name, and none of the place may be signed. */
async function isListAllowed(
  { gate, from, options }: CopyJob,
  source: HeldManifest,
): Promise<boolean> {
  if (!(await gate.admitsAll?.(from.reference))) return false;
  if (options.removeSignatures) return true;
  const { anySigned } = source;
  return anySigned !== undefined && !(await readingSignatures(anySigned));
}

/** Whether a copy would add no signature. Where it would, it is made: it costs no bytes, and signatures are merged. */
async function carriesNothing({ options }: CopyJob, source: HeldManifest): Promise<boolean> {
  if (options.removeSignatures) return true;
  return !(await readingSignatures(() => source.signed()));
}
