import type { StorePlace } from "../config/store-place.ts";
import { StoreArea } from "./area.ts";

/** The store's areas in the order of looking things up: its own, then those only read. */
export function areasOf(place: StorePlace): readonly [own: StoreArea, ...others: StoreArea[]] {
  const { driver, graphroot, imageStore } = place;
  const own = new StoreArea({ driver, root: graphroot, readOnly: false });
  const split = imageStore
    ? [new StoreArea({ driver, root: imageStore, readOnly: true, tarSplitRoot: graphroot })]
    : [];
  const additional = place.additional.map(
    (root) => new StoreArea({ driver, root, readOnly: true }),
  );
  return [own, ...split, ...additional];
}
