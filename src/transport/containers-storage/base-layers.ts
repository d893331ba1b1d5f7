import type { StagedLayer, Store } from "../../storage/store.ts";
import { openStaged } from "./open-layer.ts";
import { type UnpackedBlob, unpackBlob } from "./unpack-blob.ts";

/** A layer that was unpacked upon nothing, and what it is to stand upon. */
export interface UnpackedApart {
  readonly staged: StagedLayer;
  readonly unpacked: UnpackedBlob;
  readonly parent: string;
}

/**
 * Lays the parent's tree below a layer that was unpacked before that was there (vfs). Where that cannot be done, the layer is
 * unpacked once more, upon the tree: from its own files, as if it was in the store.
 *
 * @returns what is to be committed in place of what was staged, and disposed of; undefined where that is whole now
 * @throws {StorageError} `storage.parent-gone`
 */
export async function layBaseLayers(
  store: Store,
  { staged, unpacked, parent }: UnpackedApart,
  signal: AbortSignal,
): Promise<StagedLayer | undefined> {
  const { cover } = unpacked;
  if (cover === undefined) return;
  if (cover !== "again" && (await store.layBase(staged, { parent, cover, signal }))) return;
  await using stack = new AsyncDisposableStack();
  const whole = stack.use(await store.stageLayer());
  await store.layBase(whole, { parent, signal });
  const { diffId, diffSize, compressedDigest: digest, compressedSize: size } = unpacked;
  const blob = { mediaType: "", digest: diffId, size: diffSize };
  await using bytes = await openStaged(staged, blob, { signal });
  const { compression } = unpacked;
  const packed = { digest, size, compression };
  await unpackBlob(store.place, { bytes, packed }, [whole], { signal });
  stack.move();
  return whole;
}
