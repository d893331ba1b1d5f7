import type { Digest } from "../core/digest.ts";
import { type IndexManifest, parseIndexManifest, rebuildIndex } from "../core/index-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import { chooseInstance } from "../core/platform.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import type { HeldManifest } from "../transport/contract/transport.ts";
import type { CopyJob } from "./copy.ts";
import type { CopyEvent } from "./events.ts";
import { tellHeld } from "./held-image.ts";
import { anySigned } from "./made-before.ts";
import type { CopyOptions } from "./options.ts";
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
  const expected = expect(job, top, held);
  if (!expected) return false;
  const { images, instances, of } = expected;
  if (!(await areAllowed(job, images))) return false;
  if (await anySigned(job, source, expected.signable)) return false;
  if (!(await isIntact(job, held))) return false;
  if (job.tellLayers) await tell(job, source, { instances, of, held });
  return true;
}

interface Expected {
  /** What the gate is asked about. */
  readonly images: readonly Digest[];
  /** What signatures may be of that a copy would carry along. */
  readonly signable: readonly Digest[];
  /** Of a list, those that are chosen. */
  readonly instances: readonly Digest[];
  /** How many a list has. */
  readonly of: number;
}

/** Undefined where the destination has something else. */
function expect(job: CopyJob, top: RawManifest, held: HeldManifest): Expected | undefined {
  const one = { images: [held.digest], signable: [held.digest], instances: [], of: 0 };
  if (!isIndexType(top.mediaType)) return isSame(top, held) ? one : undefined;
  const index = parseIndexManifest(top);
  if (job.options.select.type === "system")
    return isInstanceHeld(index, top, job, held) ? one : undefined;
  const { manifest, instances } = chosenList(top, index, job.options);
  if (!isSame(manifest, held)) return undefined;
  const signable = [...instances, top.digest];
  return { images: instances, signable, instances, of: index.instances.length };
}

/** A list of the images that are chosen from one, each as it is, and their digests. */
export function chosenList(
  top: RawManifest,
  index: IndexManifest,
  { select }: CopyOptions,
): { readonly manifest: RawManifest; readonly instances: readonly Digest[] } {
  const instances = chooseInstances(index, select).map(({ digest }) => digest);
  const kept = new Set(instances);
  if (index.instances.every(({ digest }) => kept.has(digest))) return { manifest: top, instances };
  return { manifest: rebuildIndex(top, { keep: ({ digest }) => kept.has(digest) }), instances };
}

interface Told {
  readonly instances: readonly Digest[];
  /** How many the list has. */
  readonly of: number;
  readonly held: HeldManifest;
}

/** Tells what a copy would have told, for those who read its lines. */
async function tell(
  job: CopyJob,
  source: ImageSource,
  { instances, of, held }: Told,
): Promise<void> {
  const { report, options } = job;
  if (instances.length === 0) return tellImage(job, source, held.digest, report);
  if (!options.removeSignatures) report({ type: "signatures-reading", of: "list" });
  const count = instances.length;
  report({ type: "instances-chosen", chosen: count, held: of });
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
