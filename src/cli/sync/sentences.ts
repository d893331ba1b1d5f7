import { formatImageReference } from "../../core/image-reference.ts";
import type {
  SyncEvent,
  SyncFigures,
  SyncItem,
  SyncOutcome,
  SyncSummary,
} from "../../sync/events.ts";
import type { Traffic } from "../parts.ts";
import { formatBytes, formatSeconds } from "../summary.ts";

type Ended = Extract<SyncEvent, { type: "image-ended" }>;

/** One line on how an image ended; undefined where that is told as a failure, or nothing is known. */
export function endedSentence(
  { item, outcome, figures }: Ended,
  companions = 0,
): string | undefined {
  const [from, to] = namesOf(item);
  const along = companions > 0 ? `, with ${count(companions, "companion")}` : "";
  switch (outcome.type) {
    case "copied": {
      const verb = outcome.previous === undefined ? "Copied" : "Updated";
      const way = verb === "Copied" ? `${from} to ${to}` : `${to} from ${from}`;
      return `${verb} ${way} (${moved(figures)}${along})${keptAs(outcome, "is")}`;
    }
    case "would-copy":
      return `Would copy ${from} to ${to} (at most ${formatBytes(outcome.bytes)}${along})${keptAs(outcome, "would be")}`;
    case "unchanged":
      return `Unchanged ${to}${along}`;
    case "left":
      return `Left ${to} as it is: ${whyLeft(outcome)}`;
    default:
      return undefined;
  }
}

function keptAs({ backup }: { readonly backup?: string }, verb: "is" | "would be"): string {
  return backup === undefined ? "" : `, the one before ${verb} kept as ${backup}`;
}

function whyLeft({ why, raced }: Extract<SyncOutcome, { type: "left" }>): string {
  if (raced) return "somebody else gave it to an image meanwhile";
  return why === "if-absent" ? "it is there" : "it must not move";
}

function moved({ bytesMoved, ms }: SyncFigures): string {
  const bytes = bytesMoved > 0 ? formatBytes(bytesMoved) : "no bytes";
  return `${bytes} in ${formatSeconds(ms / 1000)}`;
}

/** What else is told in a line as it happens; undefined where nothing is. */
export function passingSentence(event: SyncEvent): string | undefined {
  switch (event.type) {
    case "listed": {
      const { found, taken, what, of } = event;
      const all = of ? count(found, "repository", of) : count(found, "tag");
      return found === taken ? `Found ${all} of ${what}` : `Took ${taken} of ${all} of ${what}`;
    }
    case "nothing-taken":
      return `${event.rule} gives nothing to mirror: ${event.why}`;
    case "listing-retrying": {
      const { what, attempt, of, delayMs, message } = event;
      const wait = formatSeconds(delayMs / 1000);
      return `Listing ${what} again in ${wait} (${attempt}/${of}): ${message}`;
    }
    case "image-retrying": {
      const { item, attempt, of, delayMs, message } = event;
      const wait = formatSeconds(delayMs / 1000);
      return `Trying ${namesOf(item)[0]} again in ${wait} (${attempt}/${of}): ${message}`;
    }
    case "image-event":
      return lackedSentence(event);
    case "pruned":
      return `${event.dryRun ? "Would remove" : "Removed"} ${formatImageReference(event.reference)}`;
    case "companion-left":
      return `Left ${event.what} of ${namesOf(event.item)[0]}: ${event.why}`;
    case "prune-left":
      return `Kept ${formatImageReference(event.reference)}: ${event.why}`;
    default:
      return undefined;
  }
}

function lackedSentence({ item, event }: Extract<SyncEvent, { type: "image-event" }>) {
  if (event.type !== "instances-chosen" || !event.lacked) return undefined;
  return `${namesOf(item)[0]} is not there for ${event.lacked.join(", ")}`;
}

const warnings = new Set<SyncEvent["type"]>([
  "image-retrying",
  "listing-retrying",
  "nothing-taken",
]);

/** Whether that went wrong which may be no failure: something is tried again, or nothing is taken, or not all is there. */
export function isWarning(event: SyncEvent): boolean {
  if (event.type === "image-event") return lackedSentence(event) !== undefined;
  return warnings.has(event.type);
}

/** What went wrong, where the event says so. */
export function failureSentence(event: SyncEvent): string | undefined {
  switch (event.type) {
    case "listing-failed":
      return `Cannot ${isImage(event.what) ? "copy" : "list"} ${event.what}: ${event.message}`;
    case "prune-failed":
      return `Cannot remove what ${event.rule} does not give any more: ${event.message}`;
    case "prune-refused":
      return `Removed nothing of ${event.repository}: ${event.would} of its ${event.of} tags would go`;
    case "image-ended": {
      if (event.outcome.type !== "failed") return undefined;
      const { refused, message } = event.outcome;
      const from = namesOf(event.item)[0];
      return refused ? `Refused ${from}: ${message}` : `Cannot copy ${from}: ${message}`;
    }
    default:
      return undefined;
  }
}

/** Images are listed by their names; repositories and places never have `//` in front. */
function isImage(what: string): boolean {
  return what.startsWith("docker://");
}

/** The whole run in one line. */
export function summarySentence(summary: SyncSummary, traffic: Traffic, isDryRun: boolean): string {
  const { images, bytesMoved, bytesSpared, ms } = summary;
  const bytes = [
    `${formatBytes(bytesMoved)} moved`,
    ...(bytesSpared > 0 ? [`${formatBytes(bytesSpared)} spared`] : []),
  ].join(", ");
  const parts = [
    `${count(images, "image")}: ${countsOf(summary, isDryRun)}`,
    ...(isDryRun ? [] : [bytes]),
    `${count(traffic.requests, "request")}, ${count(traffic.retries, "retry", "retries")}`,
  ];
  return `${parts.join("; ")} in ${formatSeconds(ms / 1000)}`;
}

function countsOf(summary: SyncSummary, isDryRun: boolean): string {
  const { copied, unchanged, left, failed, stopped, companions, pruned, prunable } = summary;
  const { failedRules, interrupted } = summary;
  const counts: readonly (readonly [number, string])[] = [
    [copied, isDryRun ? "would be copied" : "copied"],
    [unchanged, "unchanged"],
    [left, "left as they are"],
    [failed, "failed"],
    [stopped, "not finished"],
    [companions, isDryRun ? "companions would be" : companions === 1 ? "companion" : "companions"],
    [pruned, isDryRun ? "would be removed" : "removed"],
    [prunable, "would be removed"],
    [failedRules, failedRules === 1 ? "listing or removal failed" : "listings or removals failed"],
  ];
  const told = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  if (told.length > 0) return told.join(", ");
  return interrupted ? "stopped before the first" : "nothing to do";
}

/** Source and destination, as messages call them. */
export function namesOf({ from, to }: SyncItem): readonly [from: string, to: string] {
  return [formatImageReference(from), formatImageReference(to)];
}

/** `1 image`, `2 images`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
