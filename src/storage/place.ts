import { type StorageDriver, StoreArea } from "./area.ts";

/** Which store, and how it is set up: what storage.conf and a reference in brackets come to (spec 2, 3). */
export interface StorePlace {
  readonly driver: StorageDriver;
  /** Absolute. */
  readonly graphroot: string;
  /** Absolute; only looked into, for what is mounted. */
  readonly runroot: string;
  /** The driver's options, `overlay.mount_program=…`, as they were given. */
  readonly options: readonly string[];
  /** Roots of stores that are read along with this one. */
  readonly additional: readonly string[];
  /** Another root for images and their layers (`imagestore`); such a store is only read. */
  readonly imageStore?: string;
  /** True where owners are mapped and devices cannot be made: rootless. */
  readonly userNamespace: boolean;
  /** True where overlay is mounted by a program: whiteouts are kept as files then. */
  readonly mountProgram: boolean;
  readonly ignoreChownErrors?: boolean;
  /** Settings in use with which nothing can be written, each as the user would look for it: `force_mask`. */
  readonly readOnlyBecause?: readonly string[];
}

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
