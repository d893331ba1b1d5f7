/** What a layer may make of itself. The bytes that it is made of were not vouched for by anybody when they are unpacked. */
export interface UnpackLimits {
  /** Entries, and folders that are made for entries in them. */
  readonly maxEntries: number;
  /** How many bytes one byte of the blob may become, in the tar and in files, once {@link freeBytes} have come out. */
  readonly maxRatio: number;
  readonly freeBytes: number;
  /** Bytes of a name, path included: what a path from the store's root leaves of the kernel's 4096. */
  readonly maxNameBytes: number;
  /** Bytes of what a symbolic link leads to: the kernel's 4096 without the NUL. */
  readonly maxTargetBytes: number;
  /** Time at work, waiting for the blob not counted. */
  readonly maxBusyMs: number;
}

/** Far above what honest layers need: a layer of Debian's largest images has 100,000 entries, deflate cannot do more than 1032. */
export const defaultLimits: UnpackLimits = {
  maxEntries: 4_000_000,
  maxRatio: 1100,
  freeBytes: 64 * 1024 * 1024,
  maxNameBytes: 3584,
  maxTargetBytes: 4095,
  maxBusyMs: 60 * 60 * 1000,
};
