import type { CopyEnd } from "../copy/copy.ts";
import type { Clock } from "../registry/clock.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import type { ReportSync } from "./events.ts";
import type { MirrorRule } from "./mirror.ts";
import type { TryingAgain } from "./try-again.ts";

/** Every transport, built with one end's settings: credentials, TLS. The registries' clients are the run's, for all images. */
export interface MirrorEnd {
  /**
   * Reads `transport:text`.
   *
   * @throws {UsageError} `usage.bad-reference`
   */
  resolve(text: string, as: "source" | "destination", options: CallOptions): Promise<CopyEnd>;
}

/** The ends of a run by the names that its rules give them; the same name, the same end. */
export interface MirrorEnds {
  open(name: string): Promise<MirrorEnd>;
}

/** One image that a rule gives: where it is, and where it goes. */
export interface FoundImage {
  readonly from: CopyEnd;
  readonly to: CopyEnd;
}

/** What finding images is done with. */
export interface FindingParts extends TryingAgain {
  readonly ends: MirrorEnds;
  /** Told "listing", "listed", "listing-retrying" and "listing-failed". */
  readonly report: ReportSync;
  /** Ages are seen from it. */
  readonly clock: Pick<Clock, "now" | "sleep">;
}

/**
 * Gives the images of a rule one by one, and asks for no more than what is taken: lazily, one repository
 * after the other, in the registry's order. What of it cannot be listed is told as "listing-failed" and passed over.
 */
export type Enumerate = (rule: MirrorRule, parts: FindingParts) => AsyncIterable<FoundImage>;
