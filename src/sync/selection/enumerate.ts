import type { Enumerate, FindingParts, FoundImage } from "../ends.ts";
import type { Mirror, MirrorRule } from "../mirror.ts";
import { attempt } from "./attempt.ts";
import { destinationOf, groupByName } from "./destinations.ts";
import { listGroups, listInTurn } from "./listing.ts";
import type { Origin } from "./origin.ts";
import { planOrigins } from "./plan.ts";

/**
 * Finds the images of a mirror, rule by rule: each image once for a destination, one repository after the other, in the
 * registry's order. For one run: the first rule asked for plans all of them, so that two sources of one name are told of
 * before any image is given. Memory does not grow with the number of images, but for names: of the repositories whose turn
 * it is, and of those that share their destination with others.
 */
export function createEnumerate(mirror: Mirror): Enumerate {
  let planning: Promise<Plan> | undefined;
  return async function* enumerate(rule, parts) {
    planning ??= plan(mirror, parts);
    const { origins, known } = await planning;
    yield* imagesOf(origins.get(rule) ?? [], known, parts);
  };
}

interface Plan {
  readonly origins: ReadonlyMap<MirrorRule, readonly Origin[]>;
  /** What is listed already. */
  readonly known: ReadonlyMap<Origin, readonly string[]>;
}

async function plan(mirror: Mirror, parts: FindingParts): Promise<Plan> {
  const origins = await planOrigins(mirror, parts);
  const known = await listGroups(groupByName([...origins.values()].flat()), parts);
  return { origins, known };
}

async function* imagesOf(
  origins: readonly Origin[],
  known: ReadonlyMap<Origin, readonly string[]>,
  parts: FindingParts,
): AsyncGenerator<FoundImage, void, undefined> {
  for await (const { origin, keys } of listInTurn(origins, known, parts)) {
    for (const key of keys) {
      parts.signal.throwIfAborted();
      const image = await imageOf(origin, key, parts);
      if (image) yield image;
    }
  }
}

async function imageOf(
  origin: Origin,
  key: string,
  parts: FindingParts,
): Promise<FoundImage | undefined> {
  const { rule } = origin;
  const text = origin.sourceText(key);
  return await attempt(rule.name, text, parts, async () => {
    const source = await parts.ends.open(rule.from.end);
    const destination = await parts.ends.open(rule.to.end);
    return {
      from: await source.resolve(text, "source", parts),
      to: await destination.resolve(destinationOf(origin, key), "destination", parts),
    };
  });
}
