import type { Digest } from "../../core/digest.ts";
import { CopyError, KnownError } from "../../core/errors.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { referrerEntry } from "../../core/subject.ts";
import { pool } from "../../stream/pool.ts";
import type { Companions } from "../mirror.ts";
import { type Bringing, bring } from "./bring.ts";
import type { DigestTagLists } from "./digest-tag-lists.ts";
import { digested, findDigestTags, findReferrers, type MissingCompanion, named } from "./find.ts";
import { instancesAt } from "./instances.ts";
import { isGrowing, mergeAttachment } from "./merge-attachment.ts";
import type { CompanionOptions, OwnerImage } from "./parts.ts";
import { otherType, whyUnwanted } from "./wanted.ts";

/** How deep what refers to an image may itself be referred to: a signature of an SBOM is two. */
const deepest = 8;
const most = 10_000;
const atOnce = 8;

/** What one run of a mirror shares among the walks of its images. */
export interface WalkParts extends CompanionOptions {
  readonly wanted: Companions;
  readonly digestTags: DigestTagLists;
}

/**
 * The way through all that belongs to one image: level by level, so that each comes after what it is about, and each
 * manifest once, so that no circle of references leads round for ever.
 */
export class CompanionWalk {
  readonly #image: OwnerImage;
  readonly #parts: WalkParts;
  readonly #seen = new Set<Digest>();
  readonly #failures: unknown[] = [];

  constructor(image: OwnerImage, parts: WalkParts) {
    this.#image = image;
    this.#parts = parts;
  }

  /** @throws the first failure, once all else was tried */
  async run(top: Digest): Promise<void> {
    let level = this.#unseen([top, ...(await this.#instancesOf(top))]);
    for (let depth = 1; level.length > 0; depth++) {
      const { present, missing } = await this.#find(level);
      if (depth > deepest && present.length + missing.length > 0) {
        throw this.#tooMany(`than ${deepest} manifests in a row refer to it`);
      }
      level = [...present, ...(await this.#bringAll(missing))];
    }
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  async #instancesOf(top: Digest): Promise<readonly Digest[]> {
    const { from, to } = this.#image;
    if (this.#parts.instances) return this.#parts.instances;
    const isCopied = to.transport.companions && !this.#parts.dryRun;
    return await instancesAt(isCopied ? to : from, top, this.#parts);
  }

  async #find(subjects: readonly Digest[]) {
    const { wanted, digestTags, signal } = this.#parts;
    const present: Digest[] = [];
    const missing: MissingCompanion[] = [];
    await pool(subjects, atOnce, signal, (subject) =>
      this.#trying(async () => {
        const found = await findReferrers(this.#image, subject, wanted.referrers, { signal });
        present.push(...this.#unseen(found.present));
        missing.push(...found.missing.filter((each) => this.#isUnseen(each)));
        if (!wanted.digestTags) return;
        missing.push(...(await findDigestTags(this.#image, subject, digestTags, { signal })));
      }),
    );
    return { present, missing };
  }

  /** @returns the manifests whose own companions are to be looked for */
  async #bringAll(missing: readonly MissingCompanion[]): Promise<readonly Digest[]> {
    const brought: Digest[] = [];
    await pool(missing, atOnce, this.#parts.signal, (companion) =>
      this.#trying(async () => {
        const isThere = await this.#bring(companion);
        if (isThere && companion.kind === "referrer") brought.push(companion.entry.digest);
      }),
    );
    return brought;
  }

  /** @returns whether it is there, or would be */
  async #bring(companion: MissingCompanion): Promise<boolean> {
    const { report, dryRun } = this.#parts;
    const { item, to } = this.#image;
    const about = { item, ...aboutOf(companion) };
    if (!to.transport.companions) {
      report({ type: "companion-left", ...about, why: "the destination has no room for it" });
      return true;
    }
    if (dryRun) {
      report({ type: "companion", ...about, bytes: 0 });
      return true;
    }
    const outcome = await this.#copyOrMerge(companion);
    switch (outcome.type) {
      case "held":
        return true;
      case "unwanted":
        if (outcome.why === otherType) return false;
        report({ type: "companion-left", ...about, why: outcome.why });
        return false;
      case "merged":
        report({ type: "companion", ...about, bytes: outcome.bytes });
        return true;
      case "brought":
        report({
          type: "companion",
          ...about,
          ...ownName(companion, outcome.manifest),
          bytes: outcome.bytes,
        });
        return true;
    }
  }

  async #copyOrMerge(companion: MissingCompanion) {
    const what = this.#toBring(companion);
    if (companion.kind === "tag" && companion.isOther && isGrowing(companion.tag)) {
      const merged = await mergeAttachment(what.from, what.to, this.#parts);
      if (merged.type !== "replaceable") return merged;
    }
    return await bring(what, this.#parts);
  }

  #toBring(companion: MissingCompanion): Bringing {
    const { from, to } = this.#image;
    if (companion.kind === "tag") {
      const { tag } = companion;
      return { from: named(from, tag), to: named(to, tag), tag };
    }
    const { entry, subject } = companion;
    return {
      from: digested(from, entry.digest),
      to: digested(to, entry.digest),
      unwanted: (manifest) => whyUnwanted(manifest, subject, this.#parts.wanted.referrers),
    };
  }

  #unseen(digests: readonly Digest[]): readonly Digest[] {
    return digests.filter((digest) => this.#note(digest));
  }

  #isUnseen(companion: MissingCompanion): boolean {
    return companion.kind === "tag" || this.#note(companion.entry.digest);
  }

  #note(digest: Digest): boolean {
    if (this.#seen.has(digest)) return false;
    if (this.#seen.size >= most) throw this.#tooMany(`than ${most} manifests refer to it`);
    this.#seen.add(digest);
    return true;
  }

  #tooMany(what: string): CopyError {
    const name = formatImageReference(this.#image.from.reference);
    return new CopyError("copy.unsupported", `Can not copy what refers to ${name}: more ${what}`);
  }

  /** A foreseen failure is kept for the end: what else can be brought is. */
  async #trying(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof KnownError) || this.#parts.signal.aborted) throw error;
      this.#failures.push(error);
    }
  }
}

function aboutOf(companion: MissingCompanion) {
  if (companion.kind === "tag") return { manifest: companion.digest, what: companion.tag };
  const { digest, artifactType, mediaType } = companion.entry;
  return { manifest: digest, what: artifactType ?? mediaType };
}

/** What it is called by itself, which a list may have told otherwise. */
function ownName(companion: MissingCompanion, manifest: RawManifest) {
  if (companion.kind === "tag") return {};
  return { what: referrerEntry(manifest).artifactType ?? manifest.mediaType };
}
