import type { Digest } from "../core/digest.ts";
import { ContentError, CopyError } from "../core/errors.ts";
import { formatImageReference, type ImageReference } from "../core/image-reference.ts";
import { parseIndexManifest } from "../core/index-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import { chooseInstance } from "../core/platform.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import type { HeldManifest, KeepReplaced, Transport } from "../transport/contract/transport.ts";
import { copyImage } from "./copy-image.ts";
import { copyList, readInstance, refuseGroup } from "./copy-list.ts";
import type { CopyRequest } from "./copy-request.ts";
import { failedWhile, telling } from "./failure.ts";
import { lookForNoOp } from "./no-op.ts";
import { chosenList } from "./no-op-by-manifest.ts";
import { onlyCuts } from "./unchanged.ts";
import { wantsSignatures } from "./wants-signatures.ts";

/** One end of a copy. */
export interface CopyEnd {
  readonly transport: Transport;
  readonly reference: ImageReference;
}

/** One copy to make, with both ends by name. */
export interface CopyJob extends Omit<CopyRequest, "source" | "destination" | "holds"> {
  readonly from: CopyEnd;
  readonly to: CopyEnd;
  /** The layers must be told of even where nothing is to be done. */
  readonly tellLayers: boolean;
  /**
   * What the destination's name is likely to stand for, to ask as little as can be. "same": this image, since it is copied
   * again and again; whole lists are compared by heads too. "nothing": it is known to be free, and not asked after.
   */
  readonly expects?: "same" | "nothing";
  /**
   * What an earlier copy of the source manifest with this digest, to the same name under the same options, came to. Where
   * that is what the destination still has, and the gate lets it in, there is nothing to do.
   */
  readonly made?: (source: Digest) => Digest | undefined;
  /**
   * Asked where there is something to do, before anything is written: what it throws ends the copy. `held` is what the
   * destination's name stands for, where that could be told.
   */
  readonly mayReplace?: (
    held: HeldManifest | undefined,
    source: RawManifest,
  ) => Promise<void> | void;
  /** As in {@link OpenDestinationOptions}. */
  readonly onlyIfFree?: boolean;
  /** As in {@link OpenDestinationOptions}. */
  readonly keepReplaced?: KeepReplaced;
}

/** What a copy came to. */
export interface CopyResult {
  /** Of the top manifest as it stands at the destination. */
  readonly digest: Digest;
  /** Of the source's top manifest. */
  readonly source: Digest;
  /** There was nothing to do. */
  readonly unchanged: boolean;
  /** The destination had the image, but not whole. */
  readonly mended?: boolean;
  /** What the destination's name stood for before; absent where it was nothing, or was not asked. */
  readonly previous?: Digest;
  /** Of an index at the destination, its images; none of an image. Absent where it was found unread to be there already. */
  readonly instances?: readonly Digest[];
}

/**
 * Copies what `from` names to `to` and commits it.
 *
 * @returns the digest of the top manifest as it stands at the destination
 * @throws {CopyError} telling which part failed; its causes keep their codes
 */
export async function copy(job: CopyJob): Promise<Digest> {
  return (await performCopy(job)).digest;
}

/** As {@link copy}, and tells what came of it. */
export async function performCopy(job: CopyJob): Promise<CopyResult> {
  refuseOntoItself(job);
  refuseUnkept(job);
  const noOp = lookForNoOp(job);
  const held = await noOp.byHeads();
  if (held) return { ...held, unchanged: true, previous: held.digest };
  const { signal } = job;
  const to = formatImageReference(job.to.reference);
  const from = formatImageReference(job.from.reference);
  await using destination = await telling(
    `initializing destination ${to}`,
    "copy.destination-failed",
    () =>
      job.to.transport.openDestination(job.to.reference, {
        signal,
        ...(job.onlyIfFree !== undefined && { onlyIfFree: job.onlyIfFree }),
        ...(job.keepReplaced && { keepReplaced: job.keepReplaced }),
      }),
  );
  if (await willWriteSignatures(job)) destination.expectSignatures?.({ signal });
  const expectSignatures = await noOp.expectSignatures();
  await using source = await telling(`initializing source ${from}`, "copy.source-failed", () =>
    job.from.transport.openSource(job.from.reference, { signal, expectSignatures }),
  );
  const request: CopyRequest = { ...job, source, destination, holds: noOp.holds };
  const top = await readTop(source, from, signal);
  const same = await noOp.byManifest(source, top);
  if (same) {
    const result = { digest: same, source: top.digest, unchanged: true, previous: same };
    if (same === top.digest) return { ...result, instances: about(top).instances };
    const list = onlyCuts(job) ? chosenList(top, parseIndexManifest(top), job.options) : undefined;
    if (same === list?.manifest.digest) return { ...result, instances: list.instances };
    return job.options.select.type === "system" ? { ...result, instances: [] } : result;
  }
  const replaced = await noOp.held();
  await job.mayReplace?.(replaced, top);
  const copied = await copyTop(request, top, from);
  await telling("committing the finished image", "copy.destination-failed", () =>
    destination.commit({ signal }),
  );
  const result = { ...about(copied), source: top.digest, unchanged: false };
  const mended = noOp.isDamaged() && { mended: true };
  return replaced ? { ...result, previous: replaced.digest, ...mended } : result;
}

/** A manifest at the destination, and the images in it. */
function about(manifest: RawManifest) {
  const { digest, mediaType } = manifest;
  const instances = isIndexType(mediaType) ? parseIndexManifest(manifest).instances : [];
  return { digest, instances: instances.map((instance) => instance.digest) };
}

/** Whether some are made, or what the gate lets in has some to be carried along. */
async function willWriteSignatures(job: CopyJob): Promise<boolean> {
  const { options, signing } = job;
  if (signing && signing.signers.length > 0) return true;
  return !options.removeSignatures && (await wantsSignatures(job.gate, job.from.reference));
}

/** A manifest that cannot be fetched or is not the one asked for, and one that cannot be read, are told apart as in skopeo. */
async function readTop(
  source: ImageSource,
  from: string,
  signal: AbortSignal,
): Promise<RawManifest> {
  try {
    return await source.readManifest("top", { signal });
  } catch (error) {
    const unreadable = error instanceof ContentError && error.code === "content.bad-manifest";
    const during = unreadable
      ? "initializing image from source"
      : "determining manifest MIME type for";
    throw failedWhile(`${during} ${from}`, "copy.source-failed", error);
  }
}

async function copyTop(request: CopyRequest, top: RawManifest, from: string): Promise<RawManifest> {
  if (!isIndexType(top.mediaType)) {
    return (await copyImage(request, top, { as: "top" })).manifest;
  }
  const { destination, options } = request;
  if (options.select.type === "system") return await copyChosen(request, top, from);
  refuseGroup(destination);
  return await copyList(request, top);
}

/** Of an index, the one image for the platform asked for. */
async function copyChosen(
  request: CopyRequest,
  index: RawManifest,
  from: string,
): Promise<RawManifest> {
  const { source, options, signal } = request;
  const instance = await telling(
    `choosing an image from manifest list ${from}`,
    "copy.source-failed",
    async () => chooseInstance(parseIndexManifest(index), options.platform),
  );
  return await telling(
    "copying system image from manifest list",
    "copy.source-failed",
    async () => {
      if (!options.removeSignatures) source.expectSignatures?.(instance.digest, { signal });
      const manifest = await readInstance(source, instance.digest, signal);
      return (await copyImage(request, manifest, { as: "top", chosenFrom: index })).manifest;
    },
  );
}

/** What does not heed the wish would replace the image without keeping it. */
function refuseUnkept({ to, keepReplaced }: CopyJob): void {
  if (!keepReplaced || to.transport.keepsReplaced) return;
  throw new CopyError(
    "copy.unsupported",
    `${formatImageReference(to.reference)} has no other names to keep what it replaces under`,
  );
}

/** A folder copied onto itself would be emptied before it is read. */
function refuseOntoItself({ from, to }: CopyJob): void {
  if (from.reference.transport !== "dir" || to.reference.transport !== "dir") return;
  const source = `${from.reference.text}/`;
  const destination = `${to.reference.text}/`;
  if (source.startsWith(destination) || destination.startsWith(source)) {
    throw new CopyError(
      "copy.unsupported",
      `Cannot copy ${formatImageReference(from.reference)} to ${formatImageReference(to.reference)}: one holds the other`,
      { hint: "Name a destination folder outside the source" },
    );
  }
}
