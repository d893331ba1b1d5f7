import type { Digest } from "../core/digest.ts";
import type { HeldManifest } from "../transport/contract/transport.ts";
import type { CopyJob } from "./copy.ts";

/** Whether the copy, if it changes nothing, leaves the destination with the source's own digest. */
export function keepsDigest(job: CopyJob): boolean {
  const { type } = job.options.select;
  return keepsImages(job) && (type === "system" || type === "all");
}

/** Whether the copy, if it changes nothing, does no more to a list than to leave out images of it. */
export function onlyCuts(job: CopyJob): boolean {
  const { select, preserveDigests } = job.options;
  return keepsImages(job) && select.type === "platforms" && !preserveDigests;
}

/** Whether the copy, if it changes nothing, leaves the destination with images of the source's own digests. */
export function keepsImages({ options, signing, crypto }: CopyJob): boolean {
  return (
    crypto === undefined &&
    (signing === undefined || signing.signers.length === 0) &&
    options.select.type !== "index-only" &&
    options.manifestType === undefined &&
    options.compression.format === undefined
  );
}

/** Whether two ends have the same bytes, taken for the same thing. */
export function isSame(
  a: { readonly digest: Digest; readonly mediaType: string },
  b: { readonly digest: Digest; readonly mediaType: string },
): boolean {
  return a.digest === b.digest && a.mediaType === b.mediaType;
}

/** Whether what is held is sound. Asked last: it may take reading all of it. */
export async function isIntact({ signal }: CopyJob, held: HeldManifest): Promise<boolean> {
  return (await held.isIntact?.({ signal })) ?? true;
}

/** Whether the gate lets all of these in and wants no signature to see. */
export async function areAllowed(
  { gate, from }: CopyJob,
  images: readonly Digest[],
): Promise<boolean> {
  for (const manifestDigest of images) {
    let asked = false;
    const signatures = async () => {
      asked = true;
      return [];
    };
    const verdict = await gate.verdict({ reference: from.reference, manifestDigest, signatures });
    if (!verdict.allowed || asked) return false;
  }
  return true;
}
