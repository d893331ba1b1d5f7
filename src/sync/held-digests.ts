import type { CopyEnd } from "../copy/copy.ts";
import type { Digest } from "../core/digest.ts";
import { parseIndexManifest } from "../core/index-manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import { pool } from "../stream/pool.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import { isAbsence } from "./absence.ts";

const lookupsAtOnce = 8;

/** What a name stands for, and, of an index, the images in it; nothing where it is not there. */
export async function digestsUnder(
  { transport, reference }: CopyEnd,
  call: CallOptions,
): Promise<readonly Digest[]> {
  const held = await transport.digestOf?.(reference, "destination", call);
  if (held && !isIndexType(held.mediaType)) return [held.digest];
  try {
    await using source = await transport.openSource(reference, call);
    const top = await source.readManifest("top", call);
    if (!isIndexType(top.mediaType)) return [top.digest];
    return [top.digest, ...parseIndexManifest(top).instances.map(({ digest }) => digest)];
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

/** As {@link digestsUnder}, of several names in the place of an end: by name. */
export async function digestsOfNames(
  { transport, reference }: CopyEnd,
  names: readonly string[],
  call: CallOptions,
): Promise<ReadonlyMap<string, readonly Digest[]>> {
  const found = new Map<string, readonly Digest[]>();
  await pool(names, lookupsAtOnce, call.signal, async (name, signal) => {
    const at = transport.named?.byName(reference, name);
    if (at) found.set(name, await digestsUnder({ transport, reference: at }, { signal }));
  });
  return found;
}
