import type { Digest } from "../core/digest.ts";
import { KnownError } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { type IndexManifest, parseIndexManifest } from "../core/index-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isImageManifestType, isIndexType } from "../core/media-type.ts";
import { chooseInstance } from "../core/platform.ts";
import type { HeldManifest, ImageSource } from "../transport/contract.ts";
import type { CopyJob } from "./copy.ts";
import type { CopyEvent } from "./events.ts";
import { readingSignatures, telling } from "./failure.ts";
import { tellHeld } from "./held-image.ts";
import { anySigned, isAdmittedAgain, wasMade } from "./made-before.ts";
import { chooseInstances } from "./select.ts";
import { wantsSignatures } from "./wants-signatures.ts";

/**
 * Sees that the destination already is what the copy would make it. Where both are image manifests two HEADs tell; so they
 * do of two lists where neither the gate nor signatures depend on the images in them. One image of a list, and lines that
 * name the layers, take reading the source's manifests instead. The gate is asked as for any copy: what it refuses, and
 * what it wants signatures for, takes the long way.
 */
export interface NoOp {
  /** By heads alone. @returns undefined where there may be something to do */
  byHeads(): Promise<HeldByHeads | undefined>;
  /**
   * Whether signatures will be asked for: the gate wants them, or it is known by now that there is something to do, and
   * they are carried along. And for which image, where its HEAD has told.
   */
  expectSignatures(): Promise<Digest | boolean>;
  /** Whether the destination has this very image, so that its signatures are all there is to bring. */
  holds(image: RawManifest, chosenFrom: RawManifest | undefined): Promise<boolean>;
  /**
   * What the destination's name stands for; undefined where it was not asked, or did not tell.
   *
   * @throws where it could not be asked, if {@link CopyJob.mayReplace} wants to know
   */
  held(): Promise<HeldManifest | undefined>;
  /** By the source, now that it is open. */
  byManifest(source: ImageSource, top: RawManifest): Promise<Digest | undefined>;
}

/** What stands at both ends. */
export interface HeldByHeads {
  readonly digest: Digest;
  readonly source: Digest;
}

/** Starts asking both ends at once. */
export function lookForNoOp(job: CopyJob): NoOp {
  const keeps = keepsDigest(job);
  if (!canLook(job) || !(keeps || job.made)) return cannotTell(job);
  const asked = headDestination(job);
  const destination = unlessUnreachable(asked, job.signal);
  const source = askSource(job, destination);
  source?.catch(() => {}); // told by byHeads
  let ruledOut = false;
  let image: Digest | undefined;
  destination.then(
    (held) => {
      ruledOut = held === undefined;
    },
    () => {}, // told by byManifest
  );
  return {
    expectSignatures: async () =>
      ((ruledOut && !job.options.removeSignatures) ||
        (await wantsSignatures(job.gate, job.from.reference))) &&
      (image ?? true),
    async byHeads() {
      const from = await source;
      if (from && isImageManifestType(from.mediaType)) image = from.digest;
      if (!from && (await isExpectationSettled(job))) return undefined;
      const held = await destination;
      const seen = from && held && compared(job, from, held);
      if (!from || !held || seen === undefined) return undefined;
      ruledOut = seen === "different";
      if (ruledOut || !(await isAllowedAsItIs(job, from))) return undefined;
      return { digest: done(job, held.digest), source: from.digest };
    },
    held: () => (job.mayReplace ? asked : destination),
    async holds(image, chosenFrom) {
      const held = await destination;
      if (!keeps) return false;
      if (chosenFrom && held?.keepsIndex?.(chosenFrom.digest) === false) return false;
      return held !== undefined && isImageManifestType(image.mediaType) && isSame(image, held);
    },
    async byManifest(source, top) {
      const held = await destination;
      if (!held || (await givesOtherLayers(source, top, job))) return undefined;
      const isDone =
        (keeps && (await isWhatWouldBe(job, source, top, held))) ||
        (wasMade(job, top, held) && (await isAdmittedAgain(job, source, top)));
      return isDone ? done(job, held.digest) : undefined;
    },
  };
}

function cannotTell(job: CopyJob): NoOp {
  return {
    byHeads: async () => undefined,
    byManifest: async () => undefined,
    held: async () => (job.mayReplace ? await headDestination(job) : undefined),
    holds: async () => false,
    expectSignatures: async () =>
      !job.options.removeSignatures || (await wantsSignatures(job.gate, job.from.reference)),
  };
}

/** Whether both ends can be asked what they have. */
function canLook({ from, to }: CopyJob): boolean {
  return (
    from.transport.digestOf !== undefined &&
    to.transport.digestOf !== undefined &&
    to.reference.docker?.digest === undefined
  );
}

/** Whether the copy, if it changes nothing, leaves the destination with the source's own digest. */
function keepsDigest({ options, signing }: CopyJob): boolean {
  return (
    (signing === undefined || signing.signers.length === 0) &&
    (options.select.type === "system" || options.select.type === "all") &&
    options.manifestType === undefined &&
    options.compression.format === undefined
  );
}

/** Asks the source where its answer may settle it: of one expected to be there, when the destination has something. */
function askSource(
  job: CopyJob,
  destination: Promise<HeldManifest | undefined>,
): Promise<HeldManifest | undefined> | undefined {
  if (job.tellLayers || job.expects === "nothing") return undefined;
  if (job.expects === "same") return destination.then((held) => held && headSource(job));
  return job.options.select.type === "system" ? headSource(job) : undefined;
}

/** What two heads tell; undefined where they do not. */
function compared(
  job: CopyJob,
  from: HeldManifest,
  held: HeldManifest,
): "same" | "different" | undefined {
  if (wasMade(job, from, held)) return "same";
  if (!isCopiedWhole(job, from)) return undefined;
  return keepsDigest(job) && isSame(from, held) ? "same" : "different";
}

/** Whether a copy leaves the destination with what the source's name stands for, and not with one image of it. */
function isCopiedWhole({ options }: CopyJob, { mediaType }: HeldManifest): boolean {
  if (isImageManifestType(mediaType)) return true;
  return options.select.type === "all" && isIndexType(mediaType);
}

function headSource({ from, signal }: CopyJob): Promise<HeldManifest | undefined> {
  const name = formatImageReference(from.reference);
  return telling(`initializing source ${name}`, "copy.source-failed", async () =>
    from.transport.digestOf?.(from.reference, "source", { signal }),
  );
}

function headDestination({ to, signal, expects }: CopyJob): Promise<HeldManifest | undefined> {
  if (expects === "nothing") return Promise.resolve(undefined);
  const name = formatImageReference(to.reference);
  return telling(`initializing destination ${name}`, "copy.destination-failed", async () =>
    to.transport.digestOf?.(to.reference, "destination", { signal }),
  );
}

/** A destination out of reach is told of when it is written to. */
async function unlessUnreachable(
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

/** The gate comes first: it can tell without a request. */
async function isAllowedAsItIs(job: CopyJob, source: HeldManifest): Promise<boolean> {
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

function isSame(
  a: { readonly digest: Digest; readonly mediaType: string },
  b: { readonly digest: Digest; readonly mediaType: string },
): boolean {
  return a.digest === b.digest && a.mediaType === b.mediaType;
}

/** Then a copy makes another manifest. */
async function givesOtherLayers(
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

async function isWhatWouldBe(
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
  if (job.tellLayers) await tell(job, source, instances, held.digest);
  return true;
}

function digestsOf(index: IndexManifest): readonly Digest[] {
  return chooseInstances(index, { type: "all" }).map(({ digest }) => digest);
}

async function areAllowed({ gate, from }: CopyJob, images: readonly Digest[]): Promise<boolean> {
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

/** Whether signatures will be asked for, or not, whatever the destination has. */
async function isExpectationSettled(job: CopyJob): Promise<boolean> {
  return job.options.removeSignatures || (await wantsSignatures(job.gate, job.from.reference));
}

function done({ report }: CopyJob, manifest: Digest): Digest {
  report({ type: "already-there", manifest });
  return manifest;
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
