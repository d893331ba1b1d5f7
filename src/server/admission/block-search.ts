import { algorithmOf, type Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import { Flights } from "../upstream/flights.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { OpenBlob } from "../v2/backend.ts";
import type { Block, BlockList } from "./block-list.ts";
import { namesOfContent, namesOfManifest } from "./content-names.ts";
import { shapeIfAny } from "./manifest-shape.ts";

/** What content is read with to learn by which other digests it goes. */
export interface BlockSearchParts {
  readonly blocks: BlockList;
  /** Of the backend, by digest; never judged. */
  readManifest(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<RawManifest | undefined>;
  /** The same of blobs. Without it other digests of theirs are not found out. */
  openBlob?(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<OpenBlob | undefined>;
  /** Some repository that holds a blob or a manifest. */
  holderOf?(digest: Digest): ServedRepository | undefined;
  /** Aborts when nothing is to be read any more. */
  readonly signal: AbortSignal;
}

/** To read any content has an end. */
const readWithinMs = 30 * 60_000;
const maxDepth = 4;
const nobody = { user: undefined, address: "" };

/**
 * Finds blocks whichever digest content is blocked by, and asked for by. Where that is not the same one, the content is read
 * once before it is let go, and what it goes by is known for good. Content that is asked for by sha256 is never read while
 * all that is blocked is known by its sha256.
 */
export class BlockSearch {
  readonly #parts: BlockSearchParts;
  readonly #readings = new Flights<boolean>();

  constructor(parts: BlockSearchParts) {
    this.#parts = parts;
  }

  /**
   * What stands against sending this blob.
   *
   * @throws {RegistryAnswerError} 404 where it would have to be read and is not there; what reading it fails by
   */
  async ofBlob(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<Block | undefined> {
    return await this.#find(repository, digest, async (unsure) => {
      if (unsure !== digest) return await this.#readManifest(repository, unsure, call);
      if (!this.#parts.openBlob || (await this.#readBlob(repository, digest, call))) return;
      throw new RegistryAnswerError("BLOB_UNKNOWN", "blob unknown to registry", { status: 404 });
    });
  }

  /** What stands against sending this manifest, not looking at what it names. */
  async ofManifest(
    repository: ServedRepository,
    manifest: RawManifest,
    call: ServerCall,
  ): Promise<Block | undefined> {
    return await this.#find(repository, manifest.digest, async (unsure) => {
      if (unsure === manifest.digest) this.#parts.blocks.learn(namesOfManifest(manifest));
      else await this.#readManifest(repository, unsure, call);
    });
  }

  /** Finds out by which digests what is blocked goes, and what it names, as far as it is held here. */
  async lookAt(digest: Digest): Promise<void> {
    const { holderOf, signal } = this.#parts;
    const repository = holderOf?.(digest);
    if (repository) await this.#lookBelow(repository, digest, { caller: nobody, signal }, 0);
  }

  async #lookBelow(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
    depth: number,
  ): Promise<void> {
    const manifest = await this.#parts.readManifest(repository, digest, call);
    if (!manifest) {
      await this.#readBlob(repository, digest, call);
      return;
    }
    this.#parts.blocks.learn(namesOfManifest(manifest));
    const shape = depth < maxDepth ? shapeIfAny(manifest) : undefined;
    for (const named of shape?.names ?? []) {
      const mayBeLong = shape?.type === "index" || algorithmOf(named) !== "sha256";
      if (mayBeLong) await this.#lookBelow(repository, named, call, depth + 1);
    }
  }

  async #find(
    repository: ServedRepository,
    digest: Digest,
    findOut: (unsure: Digest) => Promise<void>,
  ): Promise<Block | undefined> {
    const asked = new Set<Digest>();
    for (;;) {
      const unsure = new Set<Digest>();
      const block = this.#parts.blocks.find(servedName(repository), digest, unsure);
      const [next] = unsure.difference(asked);
      if (block || next === undefined) return block;
      asked.add(next);
      await findOut(next);
    }
  }

  /** One that is gone meanwhile names nothing any more. */
  async #readManifest(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<void> {
    const manifest = await this.#parts.readManifest(repository, digest, call);
    if (manifest) this.#parts.blocks.learn(namesOfManifest(manifest));
  }

  /** False where there is none. Several who wait for the same have it read once. */
  async #readBlob(
    repository: ServedRepository,
    digest: Digest,
    { caller, signal, hops }: ServerCall,
  ): Promise<boolean> {
    // A request that came back to us in a circle must not wait for itself.
    const key = [hops ?? 0, servedName(repository), caller.user ?? "", digest].join("\0");
    return await this.#readings.join(key, signal, async () => {
      const ends = [AbortSignal.timeout(readWithinMs), this.#parts.signal];
      const call = { caller, signal: AbortSignal.any(ends), ...(hops !== undefined && { hops }) };
      await using blob = await this.#parts.openBlob?.(repository, digest, call);
      if (!blob) return false;
      const bytes = blob.read({ start: 0, end: blob.size }, call.signal);
      const names = await namesOfContent(bytes);
      if (!names.includes(digest)) throw damaged(digest);
      this.#parts.blocks.learn(names);
      return true;
    });
  }
}

function damaged(digest: Digest): RegistryAnswerError {
  const message = `what is held as ${digest} is something else`;
  return new RegistryAnswerError("UNKNOWN", message, { status: 500 });
}
