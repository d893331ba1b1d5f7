import type { CopyEnd } from "../../copy/copy.ts";
import type { Digest } from "../../core/digest.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { CallOptions } from "../../transport/contract/call-options.ts";
import { digestTagStem, groupDigestTags } from "./digest-tags.ts";

type Grouped = Promise<ReadonlyMap<string, readonly string[]>>;

/** Places kept in mind: of one forgotten the tags are listed again. */
const mostPlaces = 64;

/** The digest tags in the places of a run: each place is listed once, however many of its images ask. */
export class DigestTagLists {
  readonly #places = new Map<string, Grouped>();

  /** Those made of `digest` in one place. A failure is told to all who wait for it, and forgotten. */
  async of(
    { transport, reference }: CopyEnd,
    as: "source" | "destination",
    digest: Digest,
    call: CallOptions,
  ): Promise<readonly string[]> {
    const { named } = transport;
    if (!named) return [];
    const place = `${as} ${formatImageReference(named.byName(reference, ""))}`;
    const known = this.#places.get(place);
    const grouped = known ?? named.names(reference, as, call).then(groupDigestTags);
    this.#keep(place, grouped);
    try {
      return (await grouped).get(digestTagStem(digest)) ?? [];
    } catch (error) {
      if (this.#places.get(place) === grouped) this.#places.delete(place);
      throw error;
    }
  }

  /** The one asked last is the last to be forgotten. */
  #keep(place: string, grouped: Grouped): void {
    this.#places.delete(place);
    this.#places.set(place, grouped);
    const [oldest] = this.#places.keys();
    if (this.#places.size > mostPlaces && oldest !== undefined) this.#places.delete(oldest);
  }
}
