/** What was learned of one host while talking to it. A wrong guess costs requests, never a wrong result. */
export interface Capabilities {
  /** Takes `POST …?mount=` without `from`. */
  anonymousMount: boolean;
  /** Mounts refused, as `from\0to`. */
  readonly deniedMounts: Set<string>;
  /** Repositories that these credentials may not read. */
  readonly unreadable: Set<string>;
  /** HEAD of manifests is refused where GET is not. */
  headBroken: boolean;
  /** Takes a whole blob in the PUT that ends the upload; else it goes in a PATCH before. */
  wholePut: boolean;
  /** Bytes in a piece, where uploads must come in pieces. */
  pieceBytes: number | undefined;
  /** Has the referrers API. */
  referrers: boolean | undefined;
  /** Has refused to put a manifest in the place of another than the one told. */
  heedsConditions: boolean;
}

/** The state before the first request: the best is hoped for. */
export function unknownCapabilities(): Capabilities {
  return {
    anonymousMount: true,
    deniedMounts: new Set(),
    unreadable: new Set(),
    headBroken: false,
    wholePut: true,
    pieceBytes: undefined,
    referrers: undefined,
    heedsConditions: false,
  };
}
