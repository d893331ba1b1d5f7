import type { Digest } from "../../core/digest.ts";
import { isDigest } from "../../core/digest.ts";
import type { ToldBlocks } from "../../jobs/redis/told-blocks.ts";
import { BlockIndex } from "../../server/admission/block-index.ts";
import type { Block } from "../../server/admission/block-list.ts";
import type { ContentNames } from "../../server/admission/content-names.ts";
import type { PlacedInstance } from "../../server/admission/known-manifests.ts";
import type { Report } from "../../server/server-event.ts";
import type { JobBlocks } from "./job-blocks.ts";

/** A block as servers tell workers of it. */
export type ToldBlock = Omit<Block, "digest"> & {
  /** All digests of what is blocked that the server knows; empty of repositories. */
  readonly digests: readonly Digest[];
  /** The instances that it takes along, where it is an index that the server knows. */
  readonly instances: readonly PlacedInstance[];
};

const lookMs = 400;

/**
 * What servers say is blocked, as far as it can be told without their folders: what only a blocked image names is not taken
 * along, the instances of a blocked index are.
 */
export class ToldJobBlocks implements JobBlocks {
  readonly #told: ToldBlocks;
  readonly #report: Report;
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #names = new Map<Digest, ContentNames>();
  #index: BlockIndex;
  #version = "";
  #isOut = false;
  #isLooking = false;

  constructor(told: ToldBlocks, report: Report) {
    this.#told = told;
    this.#report = report;
    this.#index = this.#indexOf([]);
    this.#timer = setInterval(() => void this.#look(), lookMs).unref();
  }

  find(repository: string, digest: Digest, unsure?: Set<Digest>): Block | undefined {
    return this.#index.find(repository, digest, unsure);
  }

  ofRepository(repository: string): Block | undefined {
    return this.#index.ofRepository(repository);
  }

  ofDigest(digest: Digest): Block | undefined {
    return this.#index.ofDigest(digest);
  }

  learn(names: ContentNames): void {
    if (this.#names.size > 50_000) this.#names.clear();
    for (const name of names) this.#names.set(name, names);
  }

  async renew(): Promise<void> {
    const version = await this.#told.version();
    if (version === this.#version) return;
    const texts = await this.#told.read();
    this.#index = this.#indexOf(texts.flatMap(parseTold));
    this.#version = version;
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
  }

  /** While Redis is away the list that was known counts; no job begins then, and those that run lose their leases. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.renew();
      this.#isOut = false;
    } catch (error) {
      if (this.#isOut) return;
      this.#isOut = true;
      const text = "What is blocked cannot be read; what was known counts";
      this.#report({ type: "message", level: "warn", text, error });
    } finally {
      this.#isLooking = false;
    }
  }

  #indexOf(told: readonly ToldBlock[]): BlockIndex {
    const takenAlong = new Map<string, Block>();
    const blocks = told.map(({ digests, instances, ...rest }) => {
      if (digests.length > 1) this.learn(digests);
      const [digest] = digests;
      const block: Block = { ...rest, ...(digest !== undefined && { digest }) };
      for (const instance of instances) takenAlong.set(placeOf(instance), block);
      return block;
    });
    const namesOf = (digest: Digest) => this.#names.get(digest);
    return new BlockIndex(blocks, {
      names: { of: namesOf },
      isTakenAlong: (repository, digest) =>
        (namesOf(digest) ?? [digest])
          .map((each) => takenAlong.get(placeOf({ repository, digest: each })))
          .find(Boolean),
    });
  }
}

function placeOf({ repository, digest }: PlacedInstance): string {
  return `${repository}@${digest}`;
}

/** A server of an earlier release tells no instances. */
function parseTold(text: string): readonly ToldBlock[] {
  const told = JSON.parse(text) as readonly (Omit<ToldBlock, "instances"> & Partial<ToldBlock>)[];
  return told.map(({ digests, instances = [], ...block }) => ({
    ...block,
    digests: digests.filter(isDigest),
    instances: instances.filter(({ digest }) => isDigest(digest)),
  }));
}
