import type { OciImageConfig } from "../../core/image-config.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { LayerRecord } from "../../storage/layer-record.ts";
import type { Store } from "../../storage/store.ts";
import type { LocalImage } from "./local-image.ts";

type ConfigStep = NonNullable<OciImageConfig["history"]>[number];

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
  const shown = new Set([record.id]);
  let below = 0;
  return (config?.history ?? []).toReversed().map((step, index): HistoryStep => {
    const layer = step.empty_layer ? undefined : layers[below++];
    const found = index === 0 ? record : imageAt(images, layer, shown);
    if (found) shown.add(found.id);
    return { ...textsOf(step), ...imageOf(found), size: Math.max(0, layer?.diffSize ?? 0) };
  });
}

function textsOf(step: ConfigStep): Pick<HistoryStep, "created" | "createdBy" | "comment"> {
  const { created, created_by: createdBy, comment } = step;
  return { created: created ?? "", createdBy: createdBy ?? "", comment: comment ?? "" };
}

function imageOf(image: ImageRecord | undefined): Pick<HistoryStep, "id" | "names"> {
  return image ? { id: image.id, names: image.names } : { names: [] };
}

/** The youngest of the images that this layer is the last of, where it was not told of yet. */
function imageAt(
  images: readonly ImageRecord[],
  layer: LayerRecord | undefined,
  shown: ReadonlySet<string>,
): ImageRecord | undefined {
  if (!layer) return undefined;
  const here = images.filter(({ id, topLayer }) => topLayer === layer.id && !shown.has(id));
  return here.toSorted((a, b) => Date.parse(b.created) - Date.parse(a.created))[0];
}
