import type { CopyEnd, CopyJob, CopyResult } from "../copy/copy.ts";
import type { CopyOptions } from "../copy/options.ts";
import type { FoundImage } from "./ends.ts";
import type { MirrorRule } from "./mirror.ts";
import { optionsHash } from "./options-hash.ts";
import type { MirrorParts } from "./parts.ts";

/** What a copy asks of what was made before, where a state is kept. */
export function madeBefore(
  to: CopyEnd,
  options: CopyOptions,
  { state, signing }: MirrorParts,
): Pick<CopyJob, "made"> {
  if (!state) return {};
  return { made: (source) => state.made(nameOf(to), optionsHash(options, signing), source) };
}

/** Of what was changed on the way, or signed, the next run has to know what came of it. */
export function noteMade(
  { to }: FoundImage,
  { copy }: MirrorRule,
  { state, signing }: MirrorParts,
  { source, digest, unchanged }: CopyResult,
): void {
  const isChanged = digest !== source || (signing !== undefined && signing.signers.length > 0);
  if (!state || unchanged || !isChanged) return;
  state.note({ to: nameOf(to), options: optionsHash(copy, signing), source, digest });
}

/** Not as typed: it has to mean the same to the next run. */
function nameOf({ reference: { transport, text } }: CopyEnd): string {
  return `${transport}:${text}`;
}
