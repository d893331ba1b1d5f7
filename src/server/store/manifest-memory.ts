import type { HeldManifest } from "../v2/backend.ts";
import type { ManifestRecord } from "./records.ts";

/** A manifest that is in memory, and what the database says of it. */
export interface RememberedManifest {
  readonly held: HeldManifest;
  readonly record: ManifestRecord;
}

/** Bytes that are in memory. */
interface Kept {
  readonly held: HeldManifest;
  /** Whether somebody wanted them since room was last made. */
  wanted: boolean;
}

/** As many names as are remembered; one takes some hundred bytes. */
const maxNames = 50_000;

/**
 * Manifests in memory, by repository and by tag or digest: what was read last. Whoever changes a repository says so here, and
 * whoever finds that another process has changed something forgets all names. Bytes are kept under what they are, and survive
 * that.
 */
export class ManifestMemory {
  readonly #maxBytes: number;
  /** Oldest first. The order is not that of use: to move one in the map at each use leaves much behind. */
  readonly #held = new Map<string, Kept>();
  #bytes = 0;
  readonly #names = new Map<string, Map<string, ManifestRecord>>();
  #nameCount = 0;
  #generation = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Changes whenever something is forgotten: what was looked up before that is not to be remembered. */
  get generation(): number {
    return this.#generation;
  }

  /** `reference`: a tag or a digest. */
  find(repository: string, reference: string): RememberedManifest | undefined {
    const record = this.#names.get(repository)?.get(reference);
    const held = record && this.bytesOf(record);
    return held && { held, record };
  }

  /** The bytes of a manifest, whatever repository they were read in. */
  bytesOf(record: ManifestRecord): HeldManifest | undefined {
    const kept = this.#held.get(keyOf(record));
    if (kept === undefined) return undefined;
    kept.wanted = true;
    return kept.held;
  }

  /** Does nothing where something was forgotten since `generation`. */
  remember(
    repository: string,
    reference: string,
    { held, record }: RememberedManifest,
    generation: number,
  ): void {
    if (held.bytes.byteLength > this.#maxBytes / 4) return;
    this.#hold(keyOf(record), held);
    if (generation !== this.#generation) return;
    if (this.#nameCount >= maxNames) this.forgetAll();
    const names = this.#names.get(repository) ?? new Map<string, ManifestRecord>();
    this.#names.set(repository, names);
    if (!names.has(reference)) this.#nameCount++;
    names.set(reference, record);
  }

  #hold(key: string, held: HeldManifest): void {
    if (this.#held.has(key)) return;
    this.#held.set(key, { held, wanted: false });
    this.#bytes += held.bytes.byteLength;
    for (const [oldest, kept] of this.#held) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#held.delete(oldest);
      if (kept.wanted) {
        kept.wanted = false; // it comes round once more
        this.#held.set(oldest, kept);
      } else this.#bytes -= kept.held.bytes.byteLength;
    }
  }

  /** Something in the repository has changed. */
  forget(repository: string): void {
    this.#generation++;
    this.#nameCount -= this.#names.get(repository)?.size ?? 0;
    this.#names.delete(repository);
  }

  forgetAll(): void {
    this.#generation++;
    this.#names.clear();
    this.#nameCount = 0;
  }
}

function keyOf({ digest, mediaType }: ManifestRecord): string {
  return `${mediaType} ${digest}`;
}
