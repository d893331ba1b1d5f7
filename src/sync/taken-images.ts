import type { SyncEvent } from "./events.ts";
import type { Mirror } from "./mirror.ts";

type Listed = Extract<SyncEvent, { readonly type: "listed" }>;

interface Taken {
  /** Images, or a failure that there may be some behind. */
  isAny: boolean;
  /** What was listed last, of those that held most. */
  listed?: Listed;
}

/** Which rules of a run took images, so that those are told of which take none: nothing else would show a slip in a filter. */
export class TakenImages {
  readonly #rules = new Map<string, Taken>();

  note(event: SyncEvent): void {
    if (event.type === "image-started") this.#of(event.item.rule).isAny = true;
    else if (event.type === "listing-failed") this.#of(event.rule).isAny = true;
    else if (event.type === "listed") this.#noteListed(event);
  }

  /** Of rules of which nothing was listed nothing is known. */
  nothingOf({ rules }: Mirror): readonly SyncEvent[] {
    return [...new Set(rules.map(({ name }) => name))].flatMap((rule) => {
      const { isAny, listed } = this.#of(rule);
      if (isAny || !listed) return [];
      return [{ type: "nothing-taken", rule, why: whyNothing(listed) }];
    });
  }

  #noteListed(event: Listed): void {
    const taken = this.#of(event.rule);
    taken.isAny ||= event.taken > 0 && event.of === undefined;
    const isMore = !taken.listed || taken.listed.of || event.found >= taken.listed.found;
    if (isMore && !(event.of && event.taken > 0)) taken.listed = event;
  }

  #of(rule: string): Taken {
    const known = this.#rules.get(rule) ?? { isAny: false };
    this.#rules.set(rule, known);
    return known;
  }
}

function whyNothing({ what, found, of: listed, ruledOutBy }: Listed): string {
  const of = listed ?? "images";
  if (found === 0) return `${what} has no ${of}`;
  const by = ruledOutBy === undefined ? "" : `, the last are ruled out by ${ruledOutBy}`;
  return `none of the ${found} ${of} of ${what} fit${by}`;
}
