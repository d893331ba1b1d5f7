import type { Outcome } from "./outcome.ts";

/** Where we answer otherwise than skopeo 1.22 on purpose. */
export interface Deviation {
  readonly reason: string;
  /** The cases it is about, by name. */
  readonly cases: RegExp;
  /** Fails unless `actual` is what we mean instead. */
  readonly check: (actual: Outcome, expected: Outcome) => void;
}

/** Every case in which we are not skopeo, and why. */
export const deviations: readonly Deviation[] = [];
