import { performCopy } from "../../copy/copy.ts";
import type { CopyOptions } from "../../copy/options.ts";
import { createTransfers } from "../../copy/transfers.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import { type Platform, parsePlatform } from "../../core/platform.ts";
import type { JobCopyOptions, JobRequest, JobResult } from "../../jobs/job.ts";
import { Compression } from "../../stream/recompress.ts";
import { imageFailure } from "./image-failure.ts";
import type { JobEnds } from "./job-ends.ts";
import type { PerformContext, PerformParts } from "./perform.ts";

const blobsAtOnce = 6;

/** Copies one image, or a list of them. */
export async function performCopyJob(
  { from, to, options }: JobRequest & { readonly kind: "copy" },
  {
    ends,
    gate,
    coordinator,
  }: Pick<PerformParts, "gate" | "coordinator"> & {
    readonly ends: JobEnds;
  },
  { signal, story }: PerformContext,
): Promise<JobResult> {
  const source = await ends.resolve(from, "source", signal);
  const destination = await ends.resolve(to, "destination", signal);
  const names = {
    from: formatImageReference(source.reference),
    to: formatImageReference(destination.reference),
  };
  story.count({ found: 1 });
  story.tell({ type: "image", ...names, state: "started" });
  try {
    const { digest, unchanged } = await performCopy({
      from: source,
      to: destination,
      gate: gate.now(),
      options: copyOptions(options, ends.parts.platform),
      transfers: createTransfers(blobsAtOnce, coordinator),
      compression: new Compression(),
      tellLayers: false,
      signal,
      report: (event) => story.tellCopy(names.from, event),
    });
    story.count({ ended: 1 });
    story.tell({ type: "image", ...names, state: unchanged ? "unchanged" : "copied", digest });
    return { kind: "copy", digest, unchanged };
  } catch (error) {
    story.count({ ended: 1, failed: signal.aborted ? 0 : 1 });
    if (signal.aborted) throw error; // called off, as an image of a mirror: that is no failure of its own
    story.tell({ type: "image", ...names, ...imageFailure(error) });
    throw error;
  }
}

function copyOptions(
  { platforms, preserveDigests = false, removeSignatures = false }: JobCopyOptions,
  platform: Platform,
): CopyOptions {
  return {
    select: selection(platforms),
    platform,
    preserveDigests,
    removeSignatures,
    compression: { force: false },
  };
}

function selection(platforms: JobCopyOptions["platforms"]): CopyOptions["select"] {
  if (platforms === undefined) return { type: "system" };
  if (platforms === "all") return { type: "all" };
  return { type: "platforms", platforms: platforms.map(parsePlatform) };
}
