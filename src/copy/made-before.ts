import type { Digest } from "../core/digest.ts";
import { KnownError } from "../core/errors.ts";
import { parseIndexManifest } from "../core/index-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import { chooseInstance } from "../core/platform.ts";
import { pool } from "../stream/pool.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import type { HeldManifest } from "../transport/contract/transport.ts";
import { admit } from "./admit.ts";
import type { CopyJob } from "./copy.ts";
import { readingSignatures } from "./failure.ts";
import { chooseInstances } from "./select.ts";

const lookupsAtOnce = 8;

/** Whether the destination has what an earlier copy of this very source made. */
export function wasMade(
  { made, tellLayers }: CopyJob,
  source: { readonly digest: Digest },
  { digest }: HeldManifest,
): boolean {
  return !tellLayers && made?.(source.digest) === digest;
}

/**
 * Whether the gate lets in, by signatures too, all that a copy would take, and none is there to be carried along. What
 * fails here fails again in the copy, which tells of it.
 */
export async function isAdmittedAgain(
  job: CopyJob,
  source: ImageSource,
  top: RawManifest,
): Promise<boolean> {
  const { gate, options, signal } = job;
  try {
    const chosen = await readChosen(job, source, top);
    for (const manifest of chosen) {
      await admit(source, gate, manifest, { carrySignatures: false, signal });
    }
    const all = new Set([top, ...chosen].map(({ digest }) => digest));
    return options.removeSignatures || !(await anySigned(job, source, [...all]));
  } catch (error) {
    if (error instanceof KnownError) return false;
    throw error;
  }
}

/** The images that the gate is asked about; a list of which none is copied is asked about itself. */
async function readChosen(
  { options, signal }: CopyJob,
  source: ImageSource,
  top: RawManifest,
): Promise<readonly RawManifest[]> {
  if (!isIndexType(top.mediaType)) return [top];
  const index = parseIndexManifest(top);
  const chosen =
    options.select.type === "system"
      ? [chooseInstance(index, options.platform)]
      : chooseInstances(index, options.select);
  if (chosen.length === 0) return [top];
  return await Promise.all(chosen.map(({ digest }) => source.readManifest(digest, { signal })));
}

/** Whether a signature is there that a copy would carry along. */
export async function anySigned(
  { options, signal }: CopyJob,
  source: ImageSource,
  manifests: readonly Digest[],
): Promise<boolean> {
  if (options.removeSignatures) return false;
  const isSigned = async (digest: Digest, signal: AbortSignal) =>
    source.isSigned
      ? await source.isSigned(digest, { signal })
      : (await source.readSignatures(digest, { signal })).length > 0;
  let any = false;
  await pool(manifests, lookupsAtOnce, signal, async (digest, signal) => {
    any ||= await readingSignatures(() => isSigned(digest, signal));
  });
  return any;
}
