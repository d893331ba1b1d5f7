/** A driver whose trees we read and write. */
export type StorageDriver = "overlay" | "vfs";

/** A store of containers' images and how it is set up: what storage.conf and a reference in brackets come to. */
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
