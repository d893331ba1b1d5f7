import type { SignedSubject, UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Digest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { AskedOrigins } from "./ask-origins.ts";
import type { ReportSignatures } from "./events.ts";
import type { KeptFolder, KeptSignature } from "./kept-folder.ts";
import type { KeptSignatures } from "./kept-signatures.ts";
import { mostServed } from "./limits.ts";
import type { SignatureOrigin } from "./origin.ts";
import { subjectOf } from "./subject.ts";
import { hashOf, type ServedSignature, unionOf, withinLimits } from "./union.ts";

/** What clients are given: in order, ours first. */
export interface SignatureList {
  readonly all: readonly (KeptSignature | ServedSignature)[];
  /** Present where others could not be asked, and these are ours alone. */
  readonly incomplete?: KnownError;
}

/** What the signatures of a manifest are put together from. */
export interface SignatureSetParts {
  readonly kept: KeptSignatures;
  readonly asked: AskedOrigins;
  /** Those of a repository besides ourselves. */
  readonly openOrigins: (repository: ServedRepository) => Promise<readonly SignatureOrigin[]>;
  readonly report: ReportSignatures;
  /** What others have was read: for telling whether it has changed. */
  readonly onRead: (subject: SignedSubject, others: readonly ServedSignature[]) => void;
}

/** The signatures of one manifest: ours, and those of others. */
export class SignatureSet {
  readonly #parts: SignatureSetParts;
  readonly #repository: ServedRepository;
  readonly subject: SignedSubject;

  constructor(parts: SignatureSetParts, repository: ServedRepository, manifest: Digest) {
    this.#parts = parts;
    this.#repository = repository;
    this.subject = subjectOf(repository, manifest);
  }

  /** @throws {KnownError} where others cannot be asked */
  async read(signal: AbortSignal): Promise<SignatureList> {
    const others = this.#others(signal);
    others.catch(() => {}); // told below
    const kept = await this.#parts.kept.read(this.subject, signal);
    return { all: this.#union(kept, await others) };
  }

  async readKept(signal: AbortSignal): Promise<SignatureList> {
    const kept = await this.#parts.kept.read(this.subject, signal);
    return { all: this.#limited(withinLimits(kept)) };
  }

  /**
   * For clients: where others cannot be asked it is ours alone, marked so; and a failure where there are none, since nobody
   * may take that for unsigned.
   *
   * @throws {KnownError}
   */
  async list(signal: AbortSignal): Promise<SignatureList> {
    try {
      return await this.read(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof KnownError)) throw error;
      const { all } = await this.readKept(signal);
      if (all.length === 0) throw error;
      return { all, incomplete: error };
    }
  }

  /** As {@link read}, given what is in the folder: for whoever changes it in turn. */
  async readWith(folder: KeptFolder, signal: AbortSignal): Promise<SignatureList> {
    const others = await this.#others(signal);
    return { all: this.#union((await folder.read()).kept, others) };
  }

  change<T>(work: (folder: KeptFolder) => Promise<T>): Promise<T> {
    return this.#parts.kept.change(this.subject, work);
  }

  async readBundles(signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const origins = await this.#parts.openOrigins(this.#repository);
    const all = await this.#parts.asked.readBundles(origins, this.subject, signal);
    const distinct = new Map(all.map((bundle) => [hashOf(bundle), bundle]));
    return [...distinct.values()].slice(0, mostServed);
  }

  /** Whether others could not be asked when that was last tried. */
  async standsIn(): Promise<boolean> {
    const origins = await this.#parts.openOrigins(this.#repository);
    return this.#parts.asked.failed(origins, this.subject);
  }

  async #others(signal: AbortSignal): Promise<readonly ServedSignature[]> {
    const origins = await this.#parts.openOrigins(this.#repository);
    const others = await this.#parts.asked.read(origins, this.subject, signal);
    this.#parts.onRead(this.subject, others);
    return others;
  }

  #union(kept: readonly KeptSignature[], others: readonly ServedSignature[]) {
    return this.#limited(unionOf(kept, others));
  }

  #limited<T>({ all, left }: { all: readonly T[]; left: number }): readonly T[] {
    if (left > 0) {
      const { repository } = this.subject;
      const event = { type: "signatures-dropped", reason: "too-many" } as const;
      this.#parts.report({ ...event, repository, where: "all", count: left });
    }
    return all;
  }
}

/** Without repetitions, which a look-aside may show while one is moved. */
export function distinctOf({ all }: SignatureList): readonly UntrustedSignature[] {
  const byHash = new Map(all.map((one) => [one.hash, one.signature]));
  return [...byHash.values()];
}
