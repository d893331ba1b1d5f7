import type { VerifyCase } from "./case.ts";
import { fulcioCases } from "./fulcio.ts";
import { keyCases } from "./keys.ts";
import { pkiCases } from "./pki.ts";
import { rekorCases } from "./rekor.ts";

export const allCases: readonly VerifyCase[] = [
  ...keyCases,
  ...rekorCases,
  ...fulcioCases,
  ...pkiCases,
];

/** What skopeo made of a case: "" where it accepted the image, otherwise why it did not. */
export type Recorded = Readonly<Record<string, string>>;

/** Without what differs from run to run: times, and the bytes of random signatures. */
export function normalised(message: string): string {
  return message
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)/g, "<time>")
    .replace(/(does not match: ").*" vs\. ".*"/s, '$1…" vs. "…"');
}
