import type { ContainerRecord } from "./container-record.ts";
import type { ImageRecord } from "./image-record.ts";
import type { LayerRecord } from "./layer-record.ts";

/** What there is in a store beside the image that goes. */
export interface Remainder {
  readonly images: readonly ImageRecord[];
  readonly layers: readonly LayerRecord[];
  readonly containers: readonly ContainerRecord[];
}

/**
 * The layers that go with an image: from the top down to the first that another image or a container has, or upon which
 * another layer lies. Children first.
 */
export function doomedLayers(image: ImageRecord, rest: Remainder): readonly string[] {
  const held = heldLayers(rest);
  const layers = new Map(rest.layers.map((layer) => [layer.id, layer]));
  const doomed = new Set<string>();
  const isFree = (id: string) =>
    layers.has(id) &&
    !held.has(id) &&
    rest.layers.every(({ id: child, parent }) => parent !== id || doomed.has(child));
  for (const id of image.mappedLayers) if (isFree(id)) doomed.add(id);
  for (let id = image.topLayer; id !== undefined && isFree(id); id = layers.get(id)?.parent) {
    if (doomed.has(id)) break;
    doomed.add(id);
  }
  return [...doomed];
}

function heldLayers({ images, containers }: Remainder): ReadonlySet<string> {
  return new Set([
    ...images.flatMap(({ topLayer, mappedLayers }) => [
      ...(topLayer ? [topLayer] : []),
      ...mappedLayers,
    ]),
    ...containers.map(({ layer }) => layer),
  ]);
}
