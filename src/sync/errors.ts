import { KnownError } from "../core/errors.ts";

/** What goes wrong with a mirror as such; what goes wrong with an image keeps the code it has. */
export type SyncErrorCode =
  /** A tag that must not move stands for another image. */
  | "sync.immutable"
  /** Two sources would go to one destination. */
  | "sync.name-clash"
  /** A rule would take what it made, or prune what it takes. */
  | "sync.cycle"
  /** A registry or a place cannot be asked what it holds. */
  | "sync.no-listing"
  /** What a former run left cannot be used, or another run is using it. */
  | "sync.bad-state"
  | "sync.busy";

/** A mirror, or one of its images, cannot be brought up to date. */
export class SyncError extends KnownError<SyncErrorCode> {}
