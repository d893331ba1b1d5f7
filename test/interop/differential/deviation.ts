import assert from "node:assert/strict";
import type { Outcome } from "./outcome.ts";

/** Where we answer otherwise than skopeo 1.22 on purpose. */
export interface Deviation {
  readonly reason: string;
  /** The cases it is about, by name. */
  readonly cases: RegExp;
  /** Fails unless `actual` is what we mean instead. */
  readonly check: (actual: Outcome, expected: Outcome) => void;
}

/** All is the same but these members; a text is matched. */
export function sameBut(
  other: { readonly stderr?: RegExp; readonly stdout?: RegExp } & Partial<
    Pick<Outcome, "exitCode" | "files">
  >,
): Deviation["check"] {
  return (actual, expected) => {
    const { stderr, stdout, ...plain } = other;
    if (stderr) assert.match(actual.stderr, stderr);
    if (stdout) assert.match(actual.stdout, stdout);
    assert.deepEqual(actual, {
      ...expected,
      ...plain,
      ...(stderr && { stderr: actual.stderr }),
      ...(stdout && { stdout: actual.stdout }),
    });
  };
}
