import type { Digest } from "../core/digest.ts";
import { type IndexManifest, parseIndexManifest } from "../core/index-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import { chooseInstance } from "../core/platform.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import type { HeldManifest } from "../transport/contract/transport.ts";
import type { CopyJob } from "./copy.ts";
import type { CopyEvent } from "./events.ts";
import { tellHeld } from "./held-image.ts";
import { anySigned } from "./made-before.ts";
import { chooseInstances } from "./select.ts";
import { areAllowed, isIntact, isSame } from "./unchanged.ts";

/** Whether the source gives other layers than its manifest names: then a copy makes another manifest. */
export async function givesOtherLayers(
  source: ImageSource,
  top: RawManifest,
  { signal }: CopyJob,
): Promise<boolean> {
  if (isIndexType(top.mediaType)) return false;
  return (await source.heldLayers(top, { signal })) !== undefined;
}

/** Whether the one chosen from an index is there, and the index beside it where the place keeps those. */
function isInstanceHeld(
  index: IndexManifest,
  { digest }: RawManifest,
  { options }: CopyJob,
  held: HeldManifest,
): boolean {
  const isKept = held.keepsIndex?.(digest) ?? true;
  return isKept && isSame(chooseInstance(index, options.platform), held);
}

/** Whether the destination has what a copy would write, and no signature is to be carried along. Tells the layers, if so. */
export async function isWhatWouldBe(
  job: CopyJob,
  source: ImageSource,
  top: RawManifest,
  held: HeldManifest,
): Promise<boolean> {
  const { options } = job;
  const index = isIndexType(top.mediaType) ? parseIndexManifest(top) : undefined;
  const chosen = index && options.select.type === "system";
  if (chosen ? !isInstanceHeld(index, top, job, held) : !isSame(top, held)) return false;
  const instances = index && !chosen ? digestsOf(index) : [];
  if (!(await areAllowed(job, index && !chosen ? instances : [held.digest]))) return false;
  if (await anySigned(job, source, [...instances, held.digest])) return false;
  if (!(await isIntact(job, held))) return false;
  if (job.tellLayers) await tell(job, source, instances, held.digest);
  return true;
}

function digestsOf(index: IndexManifest): readonly Digest[] {
  return chooseInstances(index, { type: "all" }).map(({ digest }) => digest);
}

/** Tells what a copy would have told, for those who read its lines. */
async function tell(
  job: CopyJob,
  source: ImageSource,
  instances: readonly Digest[],
  held: Digest,
): Promise<void> {
  const { report, options } = job;
  if (instances.length === 0) return tellImage(job, source, held, report);
  if (!options.removeSignatures) report({ type: "signatures-reading", of: "list" });
  const count = instances.length;
  report({ type: "instances-chosen", chosen: count, held: count });
  for (const [instance, manifest] of instances.entries()) {
    const told = (event: CopyEvent) => report({ ...event, instance });
    told({ type: "instance-started", manifest, position: instance + 1, count });
    await tellImage(job, source, manifest, told);
    told({ type: "instance-copied" });
  }
  report({ type: "manifest-writing", of: "list" });
  report({ type: "signatures-storing", of: "list" });
}

async function tellImage(
  { options, signal }: CopyJob,
  source: ImageSource,
  digest: Digest,
  report: (event: CopyEvent) => void,
): Promise<void> {
  const raw = await source.readManifest(digest, { signal });
  if (!options.removeSignatures) report({ type: "signatures-reading", of: "image" });
  report({ type: "admitted", manifest: digest });
  tellHeld(raw, report);
}
