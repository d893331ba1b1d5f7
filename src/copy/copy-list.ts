import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { CopyError, KnownError } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { type InstanceUpdate, parseIndexManifest, rebuildIndex } from "../core/index-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { pool } from "../stream/pool.ts";
import type { ImageDestination } from "../transport/contract/image-destination.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import { type AdmittedImage, admit, admitIndex } from "./admit.ts";
import { checkSignatures, storeSignatures } from "./carried-signatures.ts";
import { copyImage } from "./copy-image.ts";
import type { CopyRequest } from "./copy-request.ts";
import { telling } from "./failure.ts";
import { indexTypesToTry } from "./manifest-types.ts";
import { checkDestinationDigest, reasonToKeep } from "./reason-to-keep.ts";
import { chooseInstances, lackedPlatforms } from "./select.ts";
import { checkSigning } from "./sign.ts";
import type { WrittenImage } from "./write-manifest.ts";

/** Instances under way at once; what they move together is limited by the run's transfer slots. */
const instancesAtOnce = 4;

/**
 * Copies the chosen instances of an index, then the index: as it is where all its instances are there unchanged, rebuilt
 * where not. The caller commits.
 *
 * @returns the index as written
 */
export async function copyList(request: CopyRequest, index: RawManifest): Promise<RawManifest> {
  const { source, destination, options, signal, report } = request;
  const parsed = parseIndexManifest(index);
  const chosen = chooseInstances(parsed, options.select);
  const carrySignatures = !options.removeSignatures;
  const onReading = () => report({ type: "signatures-reading", of: "list" });
  // The policy judges instances; where none is copied the index itself is what would be let in.
  const admitting = { carrySignatures, signal, onReading };
  const admitted: AdmittedImage =
    chosen.length === 0
      ? await admit(source, request.gate, index, admitting)
      : await admitIndex(source, index, admitting);
  await checkSignatures(admitted, request, report, "list");
  if (chosen.length === 0)
    await checkSigning(request.signing, destination, index.digest, { signal });
  const hasDigest = checkDestinationDigest(destination, index, { as: "top" });
  const keepBecause = reasonToKeep(options, admitted.signatures.length > 0, hasDigest);
  const types = listTypes(request, index, keepBecause);
  const lacked = lackedPlatforms(parsed, options.select);
  const held = parsed.instances.length;
  report({
    ...{ type: "instances-chosen", chosen: chosen.length, held },
    ...(lacked.length > 0 && { lacked }),
  });
  const updates = await copyInstances(request, index, chosen);
  source.checkAgain?.();
  report({ type: "manifest-writing", of: "list" });
  const kept = new Set(chosen.map(({ digest }) => digest));
  const form = (mediaType: string) =>
    rebuildIndex(index, {
      mediaType,
      updates,
      ...(options.select.type === "platforms" && { keep: ({ digest }) => kept.has(digest) }),
    });
  const written = await writeIndex(request, index, types, form, keepBecause);
  await storeSignatures(admitted, written, request, "list");
  return written;
}

/** @throws {CopyError} `copy.unsupported` where the destination holds one image only */
export function refuseGroup({ traits, reference }: ImageDestination): void {
  if (traits.indexes) return;
  throw new CopyError(
    "copy.unsupported",
    `copying multiple images: destination transport ${JSON.stringify(reference.transport)} does not support copying multiple images as a group`,
  );
}

function listTypes(
  { destination, options }: CopyRequest,
  index: RawManifest,
  keepBecause: string | undefined,
): readonly [string, ...string[]] {
  const types = indexTypesToTry({
    source: index.mediaType,
    destination: destination.traits.manifestTypes,
    ...(options.manifestType !== undefined && { forced: options.manifestType }),
  });
  if (types[0] !== index.mediaType && keepBecause !== undefined) {
    throw new CopyError(
      "copy.digest-would-change",
      `Manifest list must be converted to type ${JSON.stringify(types[0])} to be written to destination, but we cannot modify it: ${JSON.stringify(keepBecause)}`,
    );
  }
  return types;
}

/** Copies the instances in parallel; every one is admitted before the first blob of any is opened. */
async function copyInstances(
  request: CopyRequest,
  index: RawManifest,
  chosen: readonly Descriptor[],
): Promise<ReadonlyMap<Digest, InstanceUpdate>> {
  const updates = new Map<Digest, InstanceUpdate>();
  const numbered = [...chosen.entries()];
  const manifests = await readAll(request, chosen);
  const atOnce = request.source.traits.access === "tape" ? 1 : instancesAtOnce;
  await pool(numbered, atOnce, request.signal, async ([position, instance], signal) => {
    const manifest = manifests.get(instance.digest);
    if (!manifest) return;
    const count = chosen.length;
    request.report({
      type: "instance-started",
      instance: position,
      manifest: instance.digest,
      position: position + 1,
      count,
    });
    const written = await telling(
      `copying image ${position + 1}/${count} from manifest list`,
      "copy.source-failed",
      () =>
        copyImage({ ...request, signal }, manifest, {
          as: "instance",
          instance: position,
          chosenFrom: index,
        }),
    );
    request.report({ type: "instance-copied", instance: position });
    updates.set(instance.digest, updateOf(written));
  });
  return updates;
}

async function readAll(
  request: CopyRequest,
  chosen: readonly Descriptor[],
): Promise<ReadonlyMap<Digest, RawManifest>> {
  const { source, gate, options, signal } = request;
  const manifests = new Map<Digest, RawManifest>();
  await pool([...chosen.entries()], 8, signal, async ([position, { digest }], signal) => {
    const during = `copying image ${position + 1}/${chosen.length} from manifest list`;
    if (!options.removeSignatures) source.expectSignatures?.(digest, { signal });
    const manifest = await telling(during, "copy.source-failed", async () => {
      const read = await readInstance(source, digest, signal);
      await admit(source, gate, read, { carrySignatures: false, signal });
      return read;
    });
    manifests.set(digest, manifest);
  });
  return manifests;
}

/** One image's manifest of a list, wanted for what it is. */
export async function readInstance(
  source: ImageSource,
  digest: Digest,
  signal: AbortSignal,
): Promise<RawManifest> {
  const during = `determining manifest MIME type for ${formatImageReference(source.reference)}`;
  return await telling(during, "copy.source-failed", () => source.readManifest(digest, { signal }));
}

function updateOf({ manifest, zstd }: WrittenImage): InstanceUpdate {
  return {
    digest: manifest.digest,
    size: manifest.bytes.byteLength,
    mediaType: manifest.mediaType,
    zstd,
  };
}

async function writeIndex(
  { destination, signal }: CopyRequest,
  original: RawManifest,
  types: readonly [string, ...string[]],
  form: (type: string) => RawManifest,
  keepBecause: string | undefined,
): Promise<RawManifest> {
  const failures: { readonly type: string; readonly error: KnownError }[] = [];
  for (const type of keepBecause === undefined ? types : types.slice(0, 1)) {
    const index = form(type);
    refuseEdited(index, original, keepBecause);
    try {
      await destination.writeIndex(index, { signal });
      return index;
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      signal.throwIfAborted();
      failures.push({ type, error });
      if (!isAboutContent(error)) break; // the same list under another digest would hide what went wrong
    }
  }
  throw notWritten(failures);
}

/** @throws {CopyError} `copy.digest-would-change` where the list has to stay as it is, and is another */
export function refuseEdited(
  index: RawManifest,
  original: RawManifest,
  keepBecause: string | undefined,
): void {
  if (keepBecause === undefined || index.digest === original.digest) return;
  throw new CopyError(
    "copy.digest-would-change",
    `Manifest list was edited, but we cannot modify it: ${JSON.stringify(keepBecause)}`,
  );
}

/** The list as it is cannot be taken: its type, or that it names what is not there, which every type has to be told. */
function isAboutContent({ code }: KnownError): boolean {
  return code === "transport.manifest-refused" || code === "registry.content-missing";
}

/** In skopeo's words; it tries the other type whatever the reason was. */
function notWritten(
  failures: readonly { readonly type: string; readonly error: KnownError }[],
): CopyError {
  const tried = failures.map(({ type, error }) => `${type}(${error.message})`).join(", ");
  const last = failures.at(-1)?.error;
  return new CopyError(
    "copy.destination-failed",
    `Uploading manifest list failed, attempted the following formats: ${tried}`,
    {
      cause: last,
      ...(last && { retryable: last.retryable }),
      ...(last?.hint !== undefined && { hint: last.hint }),
    },
  );
}
