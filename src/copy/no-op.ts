import type { Digest } from "../core/digest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isImageManifestType } from "../core/media-type.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import type { HeldManifest } from "../transport/contract/transport.ts";
import type { CopyJob } from "./copy.ts";
import { isAdmittedAgain, wasMade } from "./made-before.ts";
import {
  askSource,
  compared,
  headDestination,
  isAllowedAsItIs,
  unlessUnreachable,
} from "./no-op-by-heads.ts";
import { givesOtherLayers, isWhatWouldBe } from "./no-op-by-manifest.ts";
import { isIntact, isSame, keepsDigest, onlyCuts } from "./unchanged.ts";
import { wantsSignatures } from "./wants-signatures.ts";

/**
 * Sees that the destination already is what the copy would make it. Where both are image manifests two HEADs tell; so they
 * do of two lists where neither the gate nor signatures depend on the images in them. One image of a list, some of its
 * platforms, and lines that name the layers, take reading the source's manifests instead. The gate is asked as for any copy: what it refuses, and
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
  /** Whether the destination was seen to have the image, but not whole. */
  isDamaged(): boolean;
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
  const mayBeSame = keeps || onlyCuts(job);
  if (!canLook(job) || !(mayBeSame || job.made)) return cannotTell(job);
  let damaged = false;
  const onDamage = () => {
    damaged = true;
  };
  const asked = headDestination(job).then((held) => held && noting(held, onDamage));
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
      if (ruledOut || !(await isAllowedAsItIs(job, from)) || !(await isIntact(job, held)))
        return undefined;
      return { digest: done(job, held.digest), source: from.digest };
    },
    held: () => (job.mayReplace ? asked : destination),
    isDamaged: () => damaged,
    async holds(image, chosenFrom) {
      const held = await destination;
      if (!keeps || held?.isReplacedWhole) return false;
      if (chosenFrom && held?.keepsIndex?.(chosenFrom.digest) === false) return false;
      return held !== undefined && isImageManifestType(image.mediaType) && isSame(image, held);
    },
    async byManifest(source, top) {
      const held = await destination;
      if (!held || (await givesOtherLayers(source, top, job))) return undefined;
      const isDone =
        (mayBeSame && (await isWhatWouldBe(job, source, top, held))) ||
        (wasMade(job, top, held) &&
          (await isAdmittedAgain(job, source, top)) &&
          (await isIntact(job, held)));
      return isDone ? done(job, held.digest) : undefined;
    },
  };
}

/** Tells when it is found not to be whole. */
function noting(held: HeldManifest, onDamage: () => void): HeldManifest {
  if (!held.isIntact) return held;
  const isIntact = async (options: CallOptions) => {
    const isWhole = (await held.isIntact?.(options)) ?? true;
    if (!isWhole) onDamage();
    return isWhole;
  };
  return { ...held, isIntact };
}

function cannotTell(job: CopyJob): NoOp {
  const isAsked = job.expects === "same" && job.to.reference.docker?.digest === undefined;
  const asked = isAsked ? unlessUnreachable(headDestination(job), job.signal) : undefined;
  asked?.catch(() => {}); // told by held
  return {
    byHeads: async () => undefined,
    byManifest: async () => undefined,
    held: () => (job.mayReplace ? headDestination(job) : (asked ?? Promise.resolve(undefined))),
    isDamaged: () => false,
    holds: async () => false,
    expectSignatures: async () =>
      !job.options.removeSignatures || (await wantsSignatures(job.gate, job.from.reference)),
  };
}

/** Whether both ends can be asked what they have; a source that is at hand is as well read, unless its lines are wanted. */
function canLook({ from, to, tellLayers }: CopyJob): boolean {
  const { digestOf, tellsDestinationsOnly = false, isAtHand = false } = from.transport;
  return (
    ((digestOf !== undefined && !tellsDestinationsOnly) || (isAtHand && !tellLayers)) &&
    to.transport.digestOf !== undefined &&
    to.reference.docker?.digest === undefined
  );
}

/** Whether signatures will be asked for, or not, whatever the destination has. */
async function isExpectationSettled(job: CopyJob): Promise<boolean> {
  return job.options.removeSignatures || (await wantsSignatures(job.gate, job.from.reference));
}

function done({ report }: CopyJob, manifest: Digest): Digest {
  report({ type: "already-there", manifest });
  return manifest;
}
