import type { ImageRecord } from "../../storage/image-record.ts";
import type { LayerRecord } from "../../storage/layer-record.ts";
import type { Store } from "../../storage/store.ts";
import type { LocalImage } from "./local-image.ts";

/** One step of those that made an image, the last at the front. */
export interface HistoryStep {
  /** Of the image that ended here; undefined where the store has none such. */
  readonly id?: string;
  readonly names: readonly string[];
  /** As the config has it; empty where it does not tell. */
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string;
  /** Of what the step added, unpacked; bytes. */
  readonly size: number;
}

/** The steps that the image's config tells of, and which of them are images of their own. */
export async function historyOf(
  store: Store,
  { record, config }: LocalImage,
): Promise<readonly HistoryStep[]> {
  const images = await store.images();
  const layers = record.topLayer ? (await store.layerChain(record.topLayer)).toReversed() : [];
  const shown = new Set<string>();
  let below = 0;
  return (config?.history ?? []).toReversed().map((step, index): HistoryStep => {
    const layer = layers[below];
    const found = index === 0 ? record : step.empty_layer ? undefined : imageAt(images, layer);
    const image = found && !shown.has(found.id) ? found : undefined;
    if (found) shown.add(found.id);
    if (!step.empty_layer) below++;
    return {
      ...(image && { id: image.id }),
      names: image?.names ?? [],
      created: step.created ?? "",
      createdBy: step.created_by ?? "",
      comment: step.comment ?? "",
      size: step.empty_layer ? 0 : Math.max(0, layer?.diffSize ?? 0),
    };
  });
}

/** The youngest of the images that this layer is the last of. */
function imageAt(
  images: readonly ImageRecord[],
  layer: LayerRecord | undefined,
): ImageRecord | undefined {
  if (!layer) return undefined;
  const here = images.filter(({ topLayer }) => topLayer === layer.id);
  return here.toSorted((a, b) => Date.parse(b.created) - Date.parse(a.created))[0];
}
