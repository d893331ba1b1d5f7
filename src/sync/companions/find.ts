import type { CopyEnd } from "../../copy/copy.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { CallOptions } from "../../transport/contract/call-options.ts";
import type { Companions } from "../mirror.ts";
import type { DigestTagLists } from "./digest-tag-lists.ts";
import { digestAt } from "./instances.ts";
import { mayBeWanted } from "./wanted.ts";

/** One thing that belongs to a manifest at the source, and is not at the destination, or is another there. */
export type MissingCompanion =
  | { readonly kind: "referrer"; readonly entry: Descriptor; readonly subject: Digest }
  | {
      readonly kind: "tag";
      readonly tag: string;
      readonly digest: Digest;
      /** The destination has the tag, for something else. */
      readonly isOther: boolean;
    };

/** Both ends of the image whose companions are looked for. */
export interface Ends {
  readonly from: CopyEnd;
  readonly to: CopyEnd;
}

/** What refers to a manifest: those that the destination lists as well, and those that it does not. */
export interface FoundReferrers {
  readonly present: readonly Digest[];
  readonly missing: readonly MissingCompanion[];
}

/** Compares the lists of both ends; the destination is only asked for its where the source has something. */
export async function findReferrers(
  { from, to }: Ends,
  subject: Digest,
  wanted: Companions["referrers"],
  call: CallOptions,
): Promise<FoundReferrers> {
  if (wanted === "none" || wanted.length === 0) return { present: [], missing: [] };
  const listed = await from.transport.companions?.referrers(
    from.reference,
    subject,
    "source",
    call,
  );
  const candidates = (listed ?? []).filter((entry) => mayBeWanted(entry, wanted));
  if (candidates.length === 0) return { present: [], missing: [] };
  const there = await to.transport.companions?.referrers(
    to.reference,
    subject,
    "destination",
    call,
  );
  const held = new Set(there?.map(({ digest }) => digest));
  return {
    present: candidates.map(({ digest }) => digest).filter((digest) => held.has(digest)),
    missing: candidates
      .filter(({ digest }) => !held.has(digest))
      .map((entry) => ({ kind: "referrer", entry, subject })),
  };
}

/** The tags made of a manifest's digest that the destination does not have, or not for the same. */
export async function findDigestTags(
  { from, to }: Ends,
  subject: Digest,
  lists: DigestTagLists,
  call: CallOptions,
): Promise<readonly MissingCompanion[]> {
  const tags = await lists.of(from, "source", subject, call);
  if (tags.length === 0) return [];
  const there = new Set(await lists.of(to, "destination", subject, call));
  const missing: MissingCompanion[] = [];
  for (const tag of tags) {
    const digest = await digestAt(named(from, tag), "source", call);
    if (digest === undefined) continue; // removed since it was listed
    const held = there.has(tag) ? await digestAt(named(to, tag), "destination", call) : undefined;
    if (held !== digest) missing.push({ kind: "tag", tag, digest, isOther: held !== undefined });
  }
  return missing;
}

/** Another name in the place of an end that has room for companions. */
export function named({ transport, reference }: CopyEnd, tag: string): CopyEnd {
  return { transport, reference: transport.named?.byName(reference, tag) ?? reference };
}

/** Whatever has that digest in the place of an end that has room for companions. */
export function digested({ transport, reference }: CopyEnd, digest: Digest): CopyEnd {
  return { transport, reference: transport.companions?.byDigest(reference, digest) ?? reference };
}
