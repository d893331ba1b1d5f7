import type { FindingParts } from "../ends.ts";
import { attempt } from "./attempt.ts";
import { claimNames, type NameGroup, uncontested } from "./destinations.ts";
import type { Origin } from "./origin.ts";

/** An origin, and its images by their keys. */
export interface ListedOrigin {
  readonly origin: Origin;
  readonly keys: readonly string[];
}

/** Origins that are asked before their turn has come. */
const askedAhead = 4;

/**
 * What each origin gives, in their order; a few are asked before they are needed. What cannot be asked is reported, and
 * gives nothing.
 */
export async function* listInTurn(
  origins: Iterable<Origin>,
  known: ReadonlyMap<Origin, readonly string[]>,
  parts: FindingParts,
): AsyncGenerator<ListedOrigin, void, undefined> {
  const asked: Promise<ListedOrigin>[] = [];
  for (const origin of origins) {
    const listing = list(origin, known.get(origin), parts);
    listing.catch(() => {}); // whoever waits for it is told
    asked.push(listing);
    const next = asked.length < askedAhead ? undefined : asked.shift();
    if (next) yield await next;
  }
  for (const listing of asked) yield await listing;
}

/**
 * Lists the origins that may give a name twice. An image that comes twice comes once; where several would go to one name
 * that is reported, and none of them does.
 */
export async function listGroups(
  groups: ReadonlyMap<Origin, NameGroup>,
  parts: FindingParts,
): Promise<ReadonlyMap<Origin, readonly string[]>> {
  const known = new Map<Origin, readonly string[]>();
  for await (const { origin, keys } of listInTurn(groups.keys(), known, parts)) {
    const group = groups.get(origin);
    if (!group) continue;
    const { kept, clashes } = claimNames(group, origin, keys);
    known.set(origin, kept);
    if (clashes.length > 0) reportClashes(origin, clashes, parts);
  }
  for (const [origin, group] of groups)
    known.set(origin, uncontested(group, origin, known.get(origin) ?? []));
  return known;
}

function reportClashes(
  { rule, what }: Origin,
  clashes: readonly string[],
  { report }: FindingParts,
): void {
  const more = clashes.length > 1 ? `, and ${clashes.length - 1} more like it` : "";
  report({
    type: "listing-failed",
    rule: rule.name,
    what,
    code: "sync.name-clash",
    retryable: false,
    message: `${clashes[0]}${more}`,
  });
}

async function list(
  origin: Origin,
  known: readonly string[] | undefined,
  parts: FindingParts,
): Promise<ListedOrigin> {
  if (known) return { origin, keys: known };
  parts.signal.throwIfAborted();
  const { what } = origin;
  const rule = origin.rule.name;
  parts.report({ type: "listing", rule, what });
  const listing = await attempt(rule, what, parts, () => origin.list());
  if (!listing) return { origin, keys: [] };
  const { found, taken, ruledOutBy } = listing;
  const why = taken.length === 0 && ruledOutBy !== undefined ? { ruledOutBy } : {};
  parts.report({ type: "listed", rule, what, found, taken: taken.length, ...why });
  return { origin, keys: taken };
}
