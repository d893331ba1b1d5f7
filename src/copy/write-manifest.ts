import type { Digest } from "../core/digest.ts";
import { CopyError } from "../core/errors.ts";
import type { RawManifest } from "../core/manifest.ts";
import { TransportError } from "../transport/contract/errors.ts";
import type { BlobCopy } from "./blobs.ts";
import { type HeldConfig, pushConfig } from "./config.ts";
import { telling } from "./failure.ts";
import { formOf } from "./form.ts";
import type { WrittenBlob } from "./move-blob.ts";
import type { ParsedImage } from "./plan.ts";

/** An image whose blobs are in place. */
export interface ReadyImage {
  readonly image: ParsedImage;
  /** Manifest types to offer, the best first. */
  readonly types: readonly [string, ...string[]];
  readonly written: ReadonlyMap<Digest, WrittenBlob>;
  readonly config: HeldConfig | undefined;
  /** Why the manifest must stay as it is, if it must. */
  readonly keepBecause?: string;
}

/** What was written in the end. */
export interface WrittenImage {
  readonly manifest: RawManifest;
  /** Whether a layer is compressed with zstd: indexes note it. */
  readonly zstd: boolean;
}

/**
 * Offers the image's forms until the destination takes one, each with its config before it.
 *
 * @throws {CopyError} `copy.destination-failed` listing what was tried, where all were refused
 */
export async function writeFirstAccepted(ready: ReadyImage, copy: BlobCopy): Promise<WrittenImage> {
  const refusals: { readonly type: string; readonly error: Error }[] = [];
  for (const type of ready.types) {
    try {
      return await writeForm(ready, type, copy);
    } catch (error) {
      if (!isRefusal(error) || ready.types.length === 1) throw error;
      if (ready.keepBecause !== undefined) throw cannotConvert(ready.keepBecause, error);
      refusals.push({ type, error });
    }
  }
  throw new CopyError(
    "copy.destination-failed",
    `Uploading manifest failed, attempted the following formats: ${refusals
      .map(({ type, error }) => `${type}(${error.message})`)
      .join(", ")}`,
    { cause: refusals.at(-1)?.error },
  );
}

async function writeForm(ready: ReadyImage, type: string, copy: BlobCopy): Promise<WrittenImage> {
  const { reference, traits } = copy.destination;
  const keepsName = traits.keepsEmbeddedName && ready.image.kind === "schema1";
  const form = await formOf(ready, type, keepsName ? undefined : reference.docker);
  if (form.emptyLayer) await pushConfig(form.emptyLayer, copy);
  if (form.config) {
    const { descriptor } = form.config;
    copy.report({ type: "config-copying", config: descriptor.digest, size: descriptor.size });
    await pushConfig(form.config, copy);
  }
  copy.report({ type: "manifest-writing", of: "image" });
  await telling("writing manifest", "copy.destination-failed", () =>
    copy.writer.writeManifest(form.manifest, { signal: copy.signal }),
  );
  return { manifest: form.manifest, zstd: form.zstd };
}

/** The manifest's type was refused, or it cannot express what the layers became: another may be tried. */
function isRefusal(error: unknown): error is Error {
  if (error instanceof CopyError && error.code === "copy.unsupported") return true;
  const cause = error instanceof CopyError ? error.cause : error;
  return cause instanceof TransportError && cause.code === "transport.manifest-refused";
}

function cannotConvert(reason: string, error: Error): CopyError {
  return new CopyError(
    "copy.destination-failed",
    `writing manifest failed and we cannot try conversions: ${JSON.stringify(reason)}: ${error.message}`,
    { cause: error },
  );
}
