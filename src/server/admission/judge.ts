import type { Gate } from "../../../policy/gate.ts";
import type { Verdict } from "../../../policy/verdict.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Verifiers } from "../../../sigstore/verifiers.ts";
import { isAttachment, type ReadSmallBlob } from "../../core/attachment.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { algorithmOf, type Digest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import { pool } from "../../stream/pool.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { ServedSignatures } from "../served-signatures.ts";
import { signedDigest } from "../signed-digest.ts";
import type { ManifestReference } from "../v2/backend.ts";
import { embedsContent } from "./embedded-content.ts";
import { type ManifestShape, shapeOf } from "./manifest-shape.ts";

/** One image that was looked at. */
export interface JudgedImage {
  /** As it was asked for, or as its index names it. */
  readonly digest: Digest;
  readonly platform?: string;
  readonly outcome: "admitted" | "refused" | "undecided";
  /** Its signatures' revision before they were read; absent where none were. */
  readonly revision?: number;
  /** Absent of attachments, and of what could not be judged at all. */
  readonly verdict?: Verdict;
  readonly attachment?: true;
  /** Of what could not be judged. */
  readonly failure?: string;
}

/** What came of a manifest. */
export interface Judged {
  readonly outcome: JudgedImage["outcome"];
  /** Those of an index that were looked at, else itself. */
  readonly images: readonly JudgedImage[];
  /** The one because of which it is not admitted. */
  readonly against?: JudgedImage;
}

/** What is judged, and with what. */
export interface Question {
  readonly repository: ServedRepository;
  /** How it was asked for, and the name by which it is judged. */
  readonly asked: ManifestReference;
  readonly image: ImageReference;
  readonly gate: Gate;
  readonly verifiers: Verifiers;
  readonly signatures: ServedSignatures;
  /** Whether an index's instances are judged before it leaves. */
  readonly allInstances: boolean;
  /** Whether the newest good signature is looked for, and not any. */
  readonly newestFirst: boolean;
  readonly readManifest: (digest: Digest) => Promise<RawManifest | undefined>;
  readonly readBlob?: ReadSmallBlob;
  readonly signal: AbortSignal;
}

/** No index of images is longer; each instance costs a look for signatures. */
const maxInstances = 500;
const maxDepth = 3;
const atOnce = 6;

/** Judges a manifest that is about to leave: these bytes, under the name they were asked for by. */
export async function judgeManifest(question: Question, manifest: RawManifest): Promise<Judged> {
  const shape = shapeOf(manifest);
  if (
    shape.type === "image" &&
    (await isAttachment(shape.image, tagOf(question.asked), question.readBlob))
  ) {
    return admitted([{ digest: manifest.digest, outcome: "admitted", attachment: true }]);
  }
  if (shape.type !== "index" || shape.index.instances.length === 0) {
    return single(await judgeDigest(question, manifest.digest, signedDigest(manifest)));
  }
  return question.allInstances || embedsContent(manifest)
    ? await judgeInstances(question, shape)
    : single(await judgeUnsigned(question, manifest));
}

/**
 * Judges an image of which only the digest is at hand. What an upstream said before may let it in while the upstream is
 * away, and does not make it unsigned.
 *
 * @param signed its sha256
 */
export async function judgeDigest(
  question: Question,
  digest: Digest,
  signed: Digest,
): Promise<JudgedImage> {
  const { gate, image } = question;
  const read = readerOf(question, signed);
  const verdict = await gate.verdict({
    reference: image,
    manifestDigest: signed,
    signatures: async () => {
      const signatures = await read((source, options) =>
        source.read(question.repository, signed, options),
      );
      return question.newestFirst ? await newestFirst(signatures, question.verifiers) : signatures;
    },
    bundles: () =>
      read((source, options) => source.readBundles(question.repository, signed, options)),
  });
  const { revision } = read;
  const outcome = outcomeOf(verdict);
  const isMoot =
    outcome === "refused" &&
    revision !== undefined &&
    (await question.signatures.standsIn?.(question.repository, signed)) === true;
  return {
    digest,
    outcome: isMoot ? "undecided" : outcome,
    verdict,
    ...(revision !== undefined && { revision }),
  };
}

interface Reader {
  <T>(
    get: (source: ServedSignatures, options: { readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T>;
  /** Of what was read; absent while nothing was. */
  revision?: number;
}

/** Reads, and notes which revision that is: one that reading itself has brought, as upstreams are asked, is read again. */
function readerOf({ repository, signatures, signal }: Question, signed: Digest): Reader {
  const reader: Reader = async (get) => {
    const before = signatures.revision(repository, signed);
    reader.revision ??= before;
    const first = await get(signatures, { signal });
    const after = signatures.revision(repository, signed);
    if (after === before || reader.revision !== before) return first;
    reader.revision = after;
    return await get(signatures, { signal });
  };
  return reader;
}

function outcomeOf(verdict: Verdict): JudgedImage["outcome"] {
  if (verdict.allowed) return "admitted";
  return verdict.code === "fetch.failed" ? "undecided" : "refused";
}

function admitted(images: readonly JudgedImage[]): Judged {
  return { outcome: "admitted", images };
}

/** The judgement of one image alone. */
export function single(image: JudgedImage): Judged {
  const against = image.outcome === "admitted" ? undefined : image;
  return { outcome: image.outcome, images: [image], ...(against && { against }) };
}

/** An index whose instances are judged when they are asked for leaves at once, unless nothing of that name ever may. */
async function judgeUnsigned(question: Question, index: RawManifest): Promise<JudgedImage> {
  const { gate, image } = question;
  const verdict = await gate.verdict({
    reference: image,
    manifestDigest: signedDigest(index),
    signatures: async () => [],
    bundles: async () => [],
  });
  const isHopeless =
    verdict.code === "requirement.reject" || verdict.code === "requirement.not-implemented";
  return { digest: index.digest, outcome: isHopeless ? "refused" : "admitted", verdict };
}

async function judgeInstances(
  question: Question,
  shape: Extract<ManifestShape, { readonly type: "index" }>,
): Promise<Judged> {
  const instances = await instancesOf(question, shape, 1);
  if (instances.length > maxInstances) return tooMany(instances[0]?.digest);
  const images: JudgedImage[] = [];
  const stop = new AbortController();
  try {
    const signal = AbortSignal.any([question.signal, stop.signal]);
    await pool(instances.entries(), atOnce, signal, async ([position, instance]) => {
      const judged = await judgeInstance(question, instance);
      images[position] = judged;
      if (judged.outcome === "refused") stop.abort(refusedOne);
    });
  } catch (error) {
    if (error !== refusedOne) throw error;
  }
  return decided(images.filter((image) => image !== undefined));
}

const refusedOne = new Error("an instance is refused");

/** A refusal is final; what is undecided may be decided another time. */
function decided(images: readonly JudgedImage[]): Judged {
  const against =
    images.find(({ outcome }) => outcome === "refused") ??
    images.find(({ outcome }) => outcome === "undecided");
  return { outcome: against?.outcome ?? "admitted", images, ...(against && { against }) };
}

function tooMany(digest: Digest | undefined): Judged {
  const failure = `The index names more than ${maxInstances} images`;
  const against: JudgedImage = { digest: digest ?? ("" as Digest), outcome: "refused", failure };
  return { outcome: "refused", images: [against], against };
}

/** Those of indexes that the index names among them, each once. */
async function instancesOf(
  question: Question,
  { index }: Extract<ManifestShape, { readonly type: "index" }>,
  depth: number,
): Promise<readonly Descriptor[]> {
  const found = new Map<Digest, Descriptor>();
  for (const instance of index.instances) {
    const inner = isIndexType(instance.mediaType)
      ? await readIndex(question, instance, depth)
      : undefined;
    // One of nothing is an image to the policy, here as where it is asked for itself.
    const images = inner?.index.instances.length
      ? await instancesOf(question, inner, depth + 1)
      : [instance];
    for (const image of images) found.set(image.digest, image);
    if (found.size > maxInstances) break;
  }
  return [...found.values()];
}

/** Undefined where it is none, or cannot be had: it is then judged as an image, by its digest. */
async function readIndex(
  { readManifest }: Question,
  { digest }: Descriptor,
  depth: number,
): Promise<Extract<ManifestShape, { readonly type: "index" }> | undefined> {
  const manifest = depth < maxDepth ? await readManifest(digest) : undefined;
  const shape = manifest && shapeOf(manifest);
  return shape?.type === "index" ? shape : undefined;
}

async function judgeInstance(question: Question, instance: Descriptor): Promise<JudgedImage> {
  const { digest, platform } = instance;
  const about = platform
    ? { platform: [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/") }
    : {};
  const signed = algorithmOf(digest) === "sha256" ? digest : await sha256Of(question, digest);
  if (!signed) {
    const failure = `The index names ${digest}, which is not there`;
    return { digest, outcome: "refused", failure, ...about };
  }
  const judged = await judgeDigest(question, digest, signed);
  if (judged.outcome === "admitted") return { ...judged, ...about };
  // It needs no signature, so that none has to be in reach.
  return (await isAttachedTo(question, digest))
    ? { digest, outcome: "admitted", attachment: true, ...about }
    : { ...judged, ...about };
}

async function sha256Of({ readManifest }: Question, digest: Digest): Promise<Digest | undefined> {
  const manifest = await readManifest(digest);
  return manifest && signedDigest(manifest);
}

/** What BuildKit keeps in an index beside the images, and the referrers of the fallback tag. */
async function isAttachedTo(question: Question, digest: Digest): Promise<boolean> {
  const manifest = await question.readManifest(digest);
  if (!manifest) return false;
  try {
    const shape = shapeOf(manifest);
    const asked = { type: "digest", digest } as const;
    return (
      shape.type === "image" && (await isAttachment(shape.image, tagOf(asked), question.readBlob))
    );
  } catch (error) {
    if (error instanceof KnownError) return false;
    throw error;
  }
}

/** By when they say they were made, which is verified after; of two that say the same, the one that was added later. */
async function newestFirst(
  signatures: readonly UntrustedSignature[],
  verifiers: Verifiers,
): Promise<readonly UntrustedSignature[]> {
  const said = await Promise.all(signatures.map((signature) => verifiers.describe(signature)));
  const timeOf = (position: number) => said[position]?.signedAt?.getTime() ?? 0;
  return signatures
    .map((signature, position) => ({ signature, position, at: timeOf(position) }))
    .sort((a, b) => b.at - a.at || b.position - a.position)
    .map(({ signature }) => signature);
}

function tagOf(asked: ManifestReference): string | undefined {
  return asked.type === "tag" ? asked.tag : undefined;
}
