import type { Descriptor } from "../../core/descriptor.ts";
import type { LayerParts } from "../../storage/export/layer-bytes.ts";
import type { LayerRecord } from "../../storage/layer-record.ts";
import type { StagedLayer, Store } from "../../storage/store.ts";
import { BlobStream } from "../../stream/blob-stream.ts";
import type { CallOptions } from "../contract/call-options.ts";

/**
 * The plain tar of a layer. Its files are read without a lock of the store: what another process removes meanwhile is
 * missed while reading, and nothing wrong gets past the digest.
 *
 * @throws {ExportError} `storage.no-tar-split`, `storage.bad-tar-split`
 */
export async function openLayer(
  store: Store,
  layer: LayerRecord,
  blob: Descriptor,
  { signal }: CallOptions,
): Promise<BlobStream> {
  const parts = {
    folders: await store.treeFolders(layer),
    tarSplit: store.tarSplitPath(layer),
  };
  const known = blob.size >= 0 ? blob.size : layer.diffSize;
  return await openParts(parts, { ...blob, size: known }, { signal });
}

/** The plain tar of a layer that is not one yet. */
export async function openStaged(
  { folder, tarSplit }: StagedLayer,
  blob: Descriptor,
  call: CallOptions,
): Promise<BlobStream> {
  return await openParts({ folders: [folder], tarSplit }, blob, call);
}

async function openParts(
  parts: LayerParts,
  blob: Descriptor,
  { signal }: CallOptions,
): Promise<BlobStream> {
  // Native code is loaded with it: not before a layer is read.
  const { layerBytes, layerSize, whatChanged } = await import(
    "../../storage/export/layer-bytes.ts"
  );
  const known = blob.size;
  const size = known > 0 ? known : await layerSize(parts);
  const open = (from: number) => abortable(layerBytes(parts, from, "unchecked"), signal);
  return new BlobStream({ ...blob, size }, open, {
    reopens: true,
    explain: () => whatChanged(parts),
  });
}

async function* abortable(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}
