import type { FindingParts, MirrorEnd } from "../ends.ts";
import { SyncError } from "../errors.ts";
import type { MirrorRule, MirrorSource } from "../mirror.ts";
import type { Namer, SourceName } from "../naming.ts";
import { type ChooseTags, compileTagRules } from "./choose-tags.ts";
import { createdAt } from "./created.ts";
import type { Listing, Origin } from "./origin.ts";
import { type PlaceEntry, placeEntries } from "./place-entries.ts";

type PlaceSource = Extract<MirrorSource, { readonly kind: "place" }>;

/**
 * The images of a place, those of one repository together, in the order in which they are there. Tag rules are asked of
 * their tags, and where there are none of their names. Tags of a list that are not there are reported.
 *
 * @throws {KnownError} where it cannot be read, or holds nothing
 */
export async function placeOrigins(
  rule: MirrorRule,
  from: PlaceSource,
  name: Namer,
  parts: FindingParts,
): Promise<readonly Origin[]> {
  const choose = await compileTagRules(rule.tags);
  const end = await parts.ends.open(from.end);
  const entries = await placeEntries(from.text, end, parts);
  if (entries.length === 0)
    throw new SyncError(
      "sync.no-listing",
      `No images to sync found in ${JSON.stringify(from.text)}`,
    );
  reportMissing(rule, from, entries, parts);
  const groups = Map.groupBy(entries, ({ name }) => JSON.stringify([name.domain, name.repository]));
  return [...groups.values()].map(
    (group) => new PlaceOrigin(rule, from.text, group, { name, choose, end, parts }),
  );
}

function reportMissing(
  { name, tags: { list = [] } }: MirrorRule,
  { text }: PlaceSource,
  entries: readonly PlaceEntry[],
  { report }: FindingParts,
): void {
  const there = new Set(entries.map(keyOf));
  const missing = list.filter((key) => !there.has(key));
  if (missing.length === 0) return;
  report({
    type: "listing-failed",
    rule: name,
    what: text,
    code: "transport.image-not-found",
    retryable: false,
    message: `nothing in it is called ${missing.join(", ")}`,
  });
}

interface PlaceParts {
  readonly name: Namer;
  readonly choose: ChooseTags;
  readonly end: MirrorEnd;
  readonly parts: FindingParts;
}

class PlaceOrigin implements Origin {
  readonly rule: MirrorRule;
  readonly what: string;
  readonly name: Namer;
  readonly repository: Pick<SourceName, "domain" | "repository">;
  readonly #entries: ReadonlyMap<string, PlaceEntry>;
  readonly #parts: PlaceParts;

  constructor(rule: MirrorRule, what: string, entries: readonly PlaceEntry[], parts: PlaceParts) {
    const { domain = "", repository = "" } = entries[0]?.name ?? {};
    this.rule = rule;
    this.what = what;
    this.name = parts.name;
    this.repository = { domain, repository };
    this.#entries = new Map(entries.map((entry) => [keyOf(entry), entry]));
    this.#parts = parts;
  }

  async list(): Promise<Listing> {
    const { choose, end, parts } = this.#parts;
    const { signal } = parts;
    const { list } = this.rule.tags;
    const names = [...this.#entries.keys()].filter((key) => list?.includes(key) ?? true);
    const { taken, ruledOutBy } = await choose(names, {
      now: () => parts.clock.now(),
      createdAt: (keys) =>
        createdAt(
          keys,
          async (key) => {
            const { transport, reference } = await end.resolve(this.sourceText(key), "source", {
              signal,
            });
            return await transport.openSource(reference, { signal });
          },
          signal,
        ),
    });
    return { found: this.#entries.size, taken, ruledOutBy: ruledOutBy ?? (list && "tags.list") };
  }

  sourceName(key: string): SourceName {
    return this.#entries.get(key)?.name ?? this.repository;
  }

  sourceText(key: string): string {
    return this.#entries.get(key)?.text ?? this.what;
  }
}

/** What tag rules are asked of. */
function keyOf({ name }: PlaceEntry): string {
  return name.tag ?? name.digest ?? name.repository;
}
