import type { ImageReference } from "../core/image-reference.ts";
import type { FoundImage } from "./ends.ts";
import type { SyncEvent } from "./events.ts";
import type { Mirror, MirrorRule } from "./mirror.ts";
import type { GivenTags } from "./parts.ts";
import { namePlace } from "./place.ts";

interface Given {
  readonly to: FoundImage["to"];
  readonly tags: Set<string>;
  readonly rules: Set<MirrorRule>;
}

/**
 * What the rules of a run gave each destination repository, for those that prune: what one of them does not give may be
 * another's. Where no rule prunes nothing is kept.
 */
export class GivenNames {
  readonly #mirror: Mirror;
  readonly #isWanted: boolean;
  readonly #given = new Map<string, Given>();
  readonly #failed = new Set<string>();

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
    this.#isWanted = mirror.rules.some(({ prune }) => prune !== undefined);
  }

  add(rule: MirrorRule, { to }: FoundImage): void {
    const at = this.#isWanted ? namePlace(to.reference) : undefined;
    if (!at) return;
    const given = this.#given.get(at.place) ?? { to, tags: new Set(), rules: new Set() };
    this.#given.set(at.place, given);
    if (at.name !== undefined) given.tags.add(at.name);
    given.rules.add(rule);
  }

  note(event: SyncEvent): void {
    if (event.type === "listing-failed") this.#failed.add(event.rule);
  }

  /** The repositories that a rule may prune: none that a rule whose images are not all known may have given something. */
  of(rule: MirrorRule): ReadonlyMap<string, GivenTags> {
    const failed = this.#mirror.rules.filter(({ name }) => this.#failed.has(name));
    if (failed.includes(rule)) return new Map();
    const own = [...this.#given].filter(
      ([, { rules, to }]) =>
        rules.has(rule) && !failed.some((other) => mayGive(other, to.reference)),
    );
    return new Map(
      own.map(([place, { to, tags, rules: by }]) => [
        place,
        { to, tags, backups: this.#backups(to.reference, by) },
      ]),
    );
  }

  #backups(reference: ImageReference, rules: ReadonlySet<MirrorRule>): readonly string[] {
    return this.#mirror.rules.flatMap((rule) =>
      rule.backup !== undefined && (rules.has(rule) || mayGive(rule, reference))
        ? [rule.backup]
        : [],
    );
  }
}

/** Whether a rule might write there, as far as the fixed beginning of its target tells. */
function mayGive({ to }: MirrorRule, { transport, text }: ImageReference): boolean {
  const fixed = to.template.split("{{", 1)[0] ?? "";
  const name = `${transport}:${text}`;
  return name.startsWith(fixed) || fixed.startsWith(name);
}
