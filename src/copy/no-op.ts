import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { KnownError } from "../core/errors.ts";
import { parseImageManifest } from "../core/image-manifest.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { parseIndexManifest } from "../core/index-manifest.ts";
import { isImageManifestType, isIndexType } from "../core/media-type.ts";
import { chooseInstance } from "../core/platform.ts";
import type { HeldManifest } from "../transport/contract.ts";
import type { CopyJob } from "./copy.ts";
import { telling } from "./failure.ts";

/**
 * Sees by a HEAD at each end that the destination already is what the copy would make it: two requests where both are
 * image manifests. Undefined where there is something to do, or where that cannot be told so cheaply.
 *
 * The gate is asked as for any copy; what it refuses, and what it wants signatures for, takes the long way.
 *
 * @returns the digest at the destination
 */
export async function nothingToDo(job: CopyJob): Promise<Digest | undefined> {
  if (!headsCanTell(job)) return undefined;
  const [source, destination] = await Promise.all([headSource(job), headDestination(job)]);
  if (!source || !destination || (source.signed && !job.options.removeSignatures)) return undefined;
  const image = isIndexType(source.mediaType)
    ? await imageOfIndex(job, source, destination)
    : isImageManifestType(source.mediaType) && same(source, destination);
  if (!image || !(await isAllowed(job, destination.digest))) return undefined;
  if (job.tellLayers) await tell(job, destination.digest);
  job.report({ type: "already-there", manifest: destination.digest });
  return destination.digest;
}

/** Whether the copy, if it changes nothing, leaves the destination with the source's own digest. */
function headsCanTell({ from, to, options }: CopyJob): boolean {
  return (
    from.transport.digestOf !== undefined &&
    to.transport.digestOf !== undefined &&
    to.reference.docker?.digest === undefined &&
    options.select.type === "system" &&
    options.manifestType === undefined &&
    options.compression.format === undefined
  );
}

function headSource({ from, signal }: CopyJob): Promise<HeldManifest | undefined> {
  const name = formatImageReference(from.reference);
  return telling(`initializing source ${name}`, "copy.source-failed", async () =>
    from.transport.digestOf?.(from.reference, "source", { signal }),
  );
}

/** A destination out of reach is told of when it is written to. */
async function headDestination({ to, signal }: CopyJob): Promise<HeldManifest | undefined> {
  try {
    return await to.transport.digestOf?.(to.reference, "destination", { signal });
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}

function same(a: Pick<Descriptor, "digest" | "mediaType">, b: HeldManifest): boolean {
  return a.digest === b.digest && a.mediaType === b.mediaType;
}

/** Choosing an image from an index takes reading it: one request more. */
async function imageOfIndex(
  job: CopyJob,
  index: HeldManifest,
  destination: HeldManifest,
): Promise<boolean> {
  if (!isImageManifestType(destination.mediaType)) return false;
  const { from, options, signal } = job;
  await using source = await from.transport.openSource(from.reference, { signal });
  const top = await source.readManifest("top", { signal });
  if (top.digest !== index.digest) return false;
  return same(chooseInstance(parseIndexManifest(top), options.platform), destination);
}

async function isAllowed({ gate, from }: CopyJob, manifestDigest: Digest): Promise<boolean> {
  let asked = false;
  const verdict = await gate.verdict({
    reference: from.reference,
    manifestDigest,
    signatures: async () => {
      asked = true;
      return [];
    },
  });
  return verdict.allowed && !asked;
}

/** Tells what a copy would have told, for those who read its lines; takes reading the manifest. */
async function tell({ from, options, report, signal }: CopyJob, digest: Digest): Promise<void> {
  await using source = await from.transport.openSource(from.reference, { signal });
  const { config, layers } = parseImageManifest(await source.readManifest(digest, { signal }));
  const blobs = new Map(layers.map((layer) => [layer.digest, layer]));
  if (!options.removeSignatures) report({ type: "signatures-reading", of: "image" });
  report({ type: "admitted", manifest: digest });
  report({
    type: "blobs-planned",
    blobs: [...blobs.values()].map(({ digest, size }) => ({ digest, size })),
  });
  for (const blob of blobs.values()) {
    report({ type: "blob-adopted", blob: blob.digest, size: blob.size, how: "held" });
  }
  report({ type: "config-copying", config: config.digest, size: config.size });
  report({ type: "manifest-writing", of: "image" });
}
