import type { OciImageConfig } from "../../core/image-config.ts";
import type { ImageRecord } from "../../storage/image-record.ts";

/** What is to be known of an image to tell which stands on which. */
export interface FamilyMember {
  readonly record: ImageRecord;
  readonly config: OciImageConfig | undefined;
  readonly isList: boolean;
  /** The layer below its topmost one. */
  readonly parentLayer: string | undefined;
}

/** In the place of a layer's ID. */
const none = "";

/** Which images of a store are steps to others, as podman tells it: by layers, diff IDs and histories. */
export class ImageFamily {
  /** By the layers that they may stand on. */
  readonly #above = new Map<string, FamilyMember[]>();

  constructor(images: readonly FamilyMember[]) {
    for (const image of images) {
      if (image.isList) continue;
      const { topLayer = none } = image.record;
      for (const layer of new Set([topLayer, image.parentLayer ?? topLayer])) {
        const there = this.#above.get(layer);
        if (there) there.push(image);
        else this.#above.set(layer, [image]);
      }
    }
  }

  /** Whether another image was made of this one by one more step. */
  hasChildren({ record, config, isList }: FamilyMember): boolean {
    if (isList || !config) return false;
    const others = this.#above.get(record.topLayer ?? none) ?? [];
    return others.some(
      (other) =>
        other.record.id !== record.id &&
        other.config !== undefined &&
        isOneStepOn(config, other.config),
    );
  }
}

function isOneStepOn(parent: OciImageConfig, child: OciImageConfig): boolean {
  const [below, above] = [diffIdsOf(parent), diffIdsOf(child)];
  if (!below.every((diffId, index) => diffId === above[index])) return false;
  const [before, after] = [parent.history ?? [], child.history ?? []];
  return (
    before.length + 1 === after.length &&
    before.every((step, index) => isSameStep(step, after[index]))
  );
}

type Step = NonNullable<OciImageConfig["history"]>[number];

function isSameStep(one: Step, other: Step | undefined): boolean {
  return (
    other !== undefined &&
    one.created === other.created &&
    one.created_by === other.created_by &&
    one.author === other.author &&
    one.comment === other.comment &&
    one.empty_layer === other.empty_layer
  );
}

function diffIdsOf({ rootfs }: OciImageConfig): readonly string[] {
  return rootfs?.diff_ids ?? [];
}
