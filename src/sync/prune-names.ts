import type { CopyEnd } from "../copy/copy.ts";
import type { Digest } from "../core/digest.ts";
import { KnownError } from "../core/errors.ts";
import type { ImageReference } from "../core/image-reference.ts";
import { pool } from "../stream/pool.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import { isAbsence } from "./absence.ts";
import { digestTagStem } from "./companions/digest-tags.ts";
import type { ReportSync } from "./events.ts";
import { digestsOfNames } from "./held-digests.ts";
import type { PrunePlan } from "./prune-plan.ts";

const removalsAtOnce = 4;

/** One place being pruned. */
export interface Pruning extends CallOptions {
  readonly rule: string;
  /** What it is called. */
  readonly place: string;
  /** One of the images in it. */
  readonly to: CopyEnd;
  readonly report: ReportSync;
  readonly dryRun: boolean;
}

/** Removes the doomed names of a place, and what belongs to their images alone. @returns what could not be removed */
export async function pruneNames(
  pruning: Pruning,
  plan: PrunePlan,
): Promise<readonly KnownError[]> {
  return plan.doomed.length === 0 ? [] : await new PrunedPlace(pruning, plan).run();
}

class PrunedPlace {
  readonly #pruning: Pruning;
  readonly #plan: PrunePlan;
  readonly #failures: KnownError[] = [];
  /** By digest, since a registry does nothing else: for all names that stood for it. */
  readonly #deleted = new Map<Digest, Promise<void>>();
  #staying: Promise<ReadonlySet<Digest>> | undefined;

  constructor(pruning: Pruning, plan: PrunePlan) {
    this.#pruning = pruning;
    this.#plan = plan;
  }

  async run(): Promise<readonly KnownError[]> {
    const { to, signal } = this.#pruning;
    const { doomed, digestTags } = this.#plan;
    const mayHaveMore = digestTags.length > 0 || to.transport.companions?.outlive === true;
    const digests = mayHaveMore ? await digestsOfNames(to, doomed, { signal }) : new Map();
    const removed: string[] = [];
    await pool(doomed, removalsAtOnce, signal, async (name) => {
      if (await this.#trying(() => this.#remove(this.#named(name)))) removed.push(name);
    });
    const orphans = await this.#orphans(removed.flatMap((name) => digests.get(name) ?? []));
    await this.#removeCompanions(orphans);
    return this.#failures;
  }

  /** Those of removed digests that nothing stands for any more. */
  async #orphans(digests: readonly Digest[]): Promise<readonly Digest[]> {
    if (digests.length === 0) return [];
    const staying = await this.#stayingDigests();
    return [...new Set(digests)].filter((digest) => !staying.has(digest));
  }

  async #removeCompanions(orphans: readonly Digest[]): Promise<void> {
    const { signal } = this.#pruning;
    const stems = new Set(orphans.map(digestTagStem));
    const tags = this.#plan.digestTags.filter((tag) => stems.has(tag.split(".", 1)[0] ?? ""));
    await pool(tags, removalsAtOnce, signal, async (tag) => {
      await this.#trying(() => this.#remove(this.#named(tag)));
    });
    for (const digest of orphans) await this.#trying(() => this.#removeReferrers(digest));
  }

  /** Where they would stay: a layout names referrers beside its images. */
  async #removeReferrers(subject: Digest, depth = 0): Promise<boolean> {
    const { to, signal } = this.#pruning;
    const { companions } = to.transport;
    if (!companions?.outlive || depth > 8) return false;
    const staying = await this.#stayingDigests();
    const found = await companions.referrers(to.reference, subject, "destination", { signal });
    for (const { digest } of found) {
      if (staying.has(digest)) continue;
      await this.#remove(companions.byDigest(to.reference, digest));
      await this.#removeReferrers(digest, depth + 1);
    }
    return true;
  }

  #named(name: string): ImageReference {
    const { transport, reference } = this.#pruning.to;
    return transport.named?.byName(reference, name) ?? reference;
  }

  /** @returns whether it is away, or would be */
  async #remove(reference: ImageReference): Promise<boolean> {
    const { to, rule, report, dryRun, signal } = this.#pruning;
    if (!dryRun) {
      try {
        await to.transport.named?.remove(reference, { signal });
      } catch (error) {
        if (isAbsence(error)) return true;
        if (!isUnsupported(error)) throw error;
        if (!(await this.#removeByDigest(reference, error))) return false;
      }
    }
    report({ type: "pruned", rule, reference, dryRun });
    return true;
  }

  /** Where a registry deletes by digest only, and so every name of it: only where none of those stays. */
  async #removeByDigest(reference: ImageReference, unsupported: KnownError): Promise<boolean> {
    const { to, rule, report, signal } = this.#pruning;
    const { companions, deleteImage, digestOf, isTaken } = to.transport;
    const held = await digestOf?.(reference, "destination", { signal });
    if (!held && (await isTaken?.(reference, { signal })) === false) return true; // gone with another name
    if (!held || !companions || !deleteImage) throw unsupported;
    if ((await this.#stayingDigests()).has(held.digest)) {
      const why = "the registry deletes by digest only, and what stays has the same";
      report({ type: "prune-left", rule, reference, why });
      return false;
    }
    const at = companions.byDigest(to.reference, held.digest);
    const deleted = this.#deleted.get(held.digest) ?? deleteImage(at, { signal });
    this.#deleted.set(held.digest, deleted);
    await deleted;
    return true;
  }

  /** All that the names that stay stand for, images in indexes too. Asked for once, and only where it matters. */
  #stayingDigests(): Promise<ReadonlySet<Digest>> {
    const { to, signal } = this.#pruning;
    this.#staying ??= digestsOfNames(to, this.#plan.staying, { signal }).then(
      (found) => new Set([...found.values()].flat()),
    );
    return this.#staying;
  }

  /** A foreseen failure is kept for the end: what else can be removed is. @returns false then */
  async #trying(work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KnownError) || this.#pruning.signal.aborted) throw error;
      this.#failures.push(error);
      return false;
    }
  }
}

function isUnsupported(error: unknown): error is KnownError {
  return error instanceof KnownError && error.code === "registry.unsupported";
}
