import { formatImageReference, type ImageReference } from "../core/image-reference.ts";
import type { SyncEvent, SyncSummary } from "./events.ts";

/**
 * What a report says of an event, as the members of one JSON object; undefined of what it leaves out. An image has one
 * line, when it has ended. Each run's first line has the type "run", its last, if it came so far, "summary".
 */
export function reportLine(event: SyncEvent): Readonly<Record<string, unknown>> | undefined {
  switch (event.type) {
    case "image-ended":
      return imageLine(event);
    case "image-event":
      return lackedLine(event);
    case "companion":
    case "companion-left": {
      const { item, ...rest } = event;
      return { ...rest, rule: item.rule, of: nameOf(item.to) };
    }
    case "pruned":
    case "prune-left":
      return { ...event, reference: nameOf(event.reference) };
    case "prune-refused":
    case "prune-failed":
    case "listed":
    case "nothing-taken":
    case "listing-failed":
      return { ...event };
    default:
      return undefined;
  }
}

function lackedLine({ item, event }: Extract<SyncEvent, { type: "image-event" }>) {
  if (event.type !== "instances-chosen" || !event.lacked) return undefined;
  return {
    type: "platforms-lacked",
    rule: item.rule,
    of: nameOf(item.from),
    platforms: event.lacked,
  };
}

/** The last line of a run. */
export function summaryLine(summary: SyncSummary): Readonly<Record<string, unknown>> {
  return { type: "summary", ...summary };
}

/** Whether this is the last line of a run that did not come to its end: it was killed, or stopped. */
export function endsUnfinished(line: string): boolean {
  try {
    const { type, stopped, interrupted } = JSON.parse(line);
    return typeof type === "string" && (type !== "summary" || stopped > 0 || interrupted === true);
  } catch {
    return false;
  }
}

function imageLine({
  item,
  outcome,
  source,
  figures: { retries, ...figures },
}: Extract<SyncEvent, { type: "image-ended" }>) {
  const { type, ...rest } = outcome;
  return {
    type: "image",
    number: item.number,
    rule: item.rule,
    from: nameOf(item.from),
    to: nameOf(item.to),
    outcome: type,
    ...(source !== undefined && { source }),
    ...rest,
    ...figures,
    attempts: retries + 1,
  };
}

/** Not as typed: it has to mean the same elsewhere. */
function nameOf({ transport, text, ...rest }: ImageReference): string {
  const { typed: _, ...reference } = { transport, text, ...rest };
  return formatImageReference(reference);
}
