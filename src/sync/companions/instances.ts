import type { CopyEnd } from "../../copy/copy.ts";
import type { Digest } from "../../core/digest.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import type { CallOptions } from "../../transport/contract/call-options.ts";
import { isAbsence } from "../absence.ts";

/** The images of the index that stands in a place under `digest`; none where that is an image, or is not there. */
export async function instancesAt(
  { transport, reference }: CopyEnd,
  digest: Digest,
  call: CallOptions,
): Promise<readonly Digest[]> {
  const at = transport.companions?.byDigest(reference, digest);
  if (!at) return [];
  try {
    await using source = await transport.openSource(at, call);
    const manifest = await source.readManifest("top", call);
    if (!isIndexType(manifest.mediaType)) return [];
    return parseIndexManifest(manifest).instances.map((instance) => instance.digest);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

/** What a name stands for; undefined where it is not there. */
export async function digestAt(
  { transport, reference }: CopyEnd,
  as: "source" | "destination",
  call: CallOptions,
): Promise<Digest | undefined> {
  const held = await transport.digestOf?.(reference, as, call);
  if (held) return held.digest;
  try {
    await using source = await transport.openSource(reference, call);
    return (await source.readManifest("top", call)).digest;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
