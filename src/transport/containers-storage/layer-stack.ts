import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, isDigest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import { layerId } from "../../storage/ids.ts";
import type { LayerRecord } from "../../storage/layer-record.ts";
import type { StagedLayer, Store } from "../../storage/store.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import { layBaseLayers } from "./base-layers.ts";
import { openLayer } from "./open-layer.ts";
import { type LayerId, PositionQueue } from "./position-queue.ts";
import { isSmall, SmallLayers } from "./small-layers.ts";
import { type LayerBlob, type PackedBlob, type UnpackedBlob, unpackBlob } from "./unpack-blob.ts";

/** What is known of an image's layers before they come. */
export interface ExpectedLayers {
  /** As the config tells them, base first; empty where it tells none. */
  readonly diffIds: readonly string[];
  /** Whether a step of schema 1 left no files, so that there is no layer for it. */
  readonly throwaway: readonly boolean[];
}

/** What an image's layers became. */
export interface FinishedLayers {
  /** The ID of the uppermost; absent of an image without layers. */
  readonly top: LayerId;
  /** Of all layers there are, base first. */
  readonly diffIds: readonly Digest[];
}

/** A layer on its way from its folder into the store. */
interface Uncommitted {
  readonly staged: StagedLayer;
  readonly unpacked: UnpackedBlob;
  /** Calls off what takes its time. */
  readonly signal: AbortSignal;
}

/**
 * The layers of one image on their way into a store: each is unpacked when it comes, and becomes a layer when its parent
 * has become one. What became a layer stays, so that another copy goes on from there.
 */
export class LayerStack implements AsyncDisposable {
  readonly #store: Store;
  readonly #expected: ExpectedLayers;
  readonly #ids: readonly LayerId[];
  readonly #queue: PositionQueue;
  readonly #diffIds: (Digest | undefined)[] = [];
  #small: Promise<SmallLayers> | undefined;
  readonly #givenUp = new AbortController();

  constructor(store: Store, expected: ExpectedLayers) {
    this.#store = store;
    this.#expected = expected;
    this.#ids = expectedIds(expected);
    this.#queue = new PositionQueue(expected.throwaway.length);
    for (const [position, throwaway] of expected.throwaway.entries()) {
      if (throwaway) this.#queue.begin(position, this.#queue.below(position));
    }
  }

  /**
   * Takes what the store has for these places, where it knows that it came of this very blob: as the layers that they are
   * to be, or as others with the same content, of which those are made.
   *
   * @returns false where the blob is to be read
   */
  async adopt(blob: Descriptor, positions: readonly number[], call: CallOptions): Promise<boolean> {
    const open = this.#withLayers(positions);
    if (open.length === 0) return true;
    const layers = await this.#store.layers();
    const same = layers.filter((layer) => isOf(layer, blob));
    const [known] = same;
    if (!known?.diffId) return false;
    for (const position of open) this.#check(position, known.diffId, blob.digest);
    const ids = new Set(layers.map(({ id }) => id));
    const isThere = (position: number) => ids.has(this.#ids[position] ?? "");
    const model = same.find(({ mapped, diffId }) => !mapped && diffId === known.diffId);
    const missing = open.filter((position) => !isThere(position));
    if (missing.length > 0 && !(model && (await this.#copyOf(model, missing, call)))) return false;
    for (const position of open.filter(isThere)) this.#take(position, known.diffId);
    return true;
  }

  #take(position: number, diffId: Digest | undefined): void {
    this.#diffIds[position] = diffId;
    this.#queue.begin(position, Promise.resolve(this.#ids[position]));
  }

  /** Where it cannot be read, the blob will be; false then, if nothing was begun. */
  async #copyOf(
    layer: LayerRecord,
    positions: readonly number[],
    { signal }: CallOptions,
  ): Promise<boolean> {
    try {
      await using bytes = await openLayer(this.#store, layer, plainOf(layer), { signal });
      await this.#write({ bytes, packed: packedOf(layer) }, positions, signal);
      return true;
    } catch (error) {
      if (signal.aborted || !(error instanceof KnownError)) throw error;
      return false;
    }
  }

  /** Those of them that have a layer of their own. */
  #withLayers(positions: readonly number[]): readonly number[] {
    return positions.filter((position) => this.#expected.throwaway[position] !== true);
  }

  /**
   * Unpacks a blob for all places it stands in. Of vfs, whose trees hold what their parents hold, for the lowest, upon nothing, so
   * that no layer waits for another; the others are made of that one.
   *
   * @returns the blob as it came
   */
  async write(
    blob: LayerBlob,
    positions: readonly number[],
    signal: AbortSignal,
  ): Promise<PackedBlob> {
    return await this.#write(blob, this.#withLayers(positions), signal);
  }

  async #write(blob: LayerBlob, open: readonly number[], signal: AbortSignal): Promise<PackedBlob> {
    this.#queue.throwIfFailed();
    for (const position of open) this.#expectedAt(position); // told before anything is read
    const isVfs = this.#store.place.driver === "vfs";
    const now = isVfs ? open.slice(0, 1) : open;
    const small = isSmall(blob) ? await this.#openSmall() : undefined;
    await using stack = new AsyncDisposableStack();
    const staged = new Map<number, StagedLayer>();
    for (const position of now)
      staged.set(position, stack.use(await (small ?? this.#store).stageLayer()));
    const request = { signal, thread: small?.thread, base: this.#baseOf(now[0] ?? 0) };
    const bytes = small?.verified(blob) ?? blob;
    const layers = [...staged.values()];
    const unpacked = await unpackBlob(this.#store.place, bytes, layers, request);
    for (const position of open) this.#check(position, unpacked.diffId, blob.packed?.digest);
    stack.move(); // from here on each is its commit's
    for (const [position, layer] of staged) {
      this.#queue.begin(position, this.#commit(position, { staged: layer, unpacked, signal }));
    }
    const [lowest, ...others] = isVfs ? open : [];
    if (lowest !== undefined) {
      for (const position of others) this.#queue.begin(position, this.#copyTo(lowest, position));
    }
    return { digest: unpacked.compressedDigest, size: unpacked.compressedSize };
  }

  async #openSmall(): Promise<SmallLayers> {
    this.#small ??= SmallLayers.create(this.#store);
    return await this.#small;
  }

  /** Where there is nothing below, nothing will be laid there: an entry that cannot be made fails then and there. */
  #baseOf(position: number): "there" | "later" {
    const isLowest = this.#expected.throwaway.slice(0, position).every(Boolean);
    return this.#store.place.driver === "vfs" && !isLowest ? "later" : "there";
  }

  /** @throws {TransportError} `transport.unsupported` where the config tells of too few layers */
  #expectedAt(position: number): string | undefined {
    const { diffIds } = this.#expected;
    if (position < diffIds.length || diffIds.length === 0) return diffIds[position];
    throw unsupported(
      `image config has only ${diffIds.length} DiffID values, but a layer with index ${position} exists`,
    );
  }

  #check(position: number, diffId: Digest, digest: Digest | undefined): void {
    const expected = this.#expectedAt(position);
    if (expected === undefined || expected === diffId) return;
    const blob = `${goQuote(digest ?? "")}/""/${goQuote(diffId)}`;
    throw unsupported(
      `layer ${position} (blob ${blob}) does not match config's DiffID ${goQuote(expected)}`,
    );
  }

  async #commit(position: number, { staged, unpacked, signal }: Uncommitted): Promise<LayerId> {
    await using _ = staged;
    const parent = await this.#queue.below(position);
    const apart = parent === undefined ? undefined : { staged, unpacked, parent };
    await using whole = apart && (await layBaseLayers(this.#store, apart, signal));
    const id = layerId(parent, unpacked.diffId);
    await this.#store.commitLayer(whole ?? staged, { id, parent, ...unpacked });
    this.#diffIds[position] = unpacked.diffId;
    return id;
  }

  /** The layer at `from` once more, upon another parent. */
  async #copyTo(position: number, to: number): Promise<LayerId> {
    const [id] = await Promise.all([this.#queue.at(position), this.#queue.below(to)]);
    const layer = id === undefined ? undefined : await this.#store.hasLayer(id);
    if (!layer) throw new TypeError("A layer that was committed has an ID");
    const { signal } = this.#givenUp;
    await using bytes = await openLayer(this.#store, layer, plainOf(layer), { signal });
    await using stack = new AsyncDisposableStack();
    const staged = stack.use(await this.#store.stageLayer());
    const blob = { bytes, packed: packedOf(layer) };
    const request = { signal, base: this.#baseOf(to) };
    const unpacked = await unpackBlob(this.#store.place, blob, [staged], request);
    stack.move(); // the commit's
    return await this.#commit(to, { staged, unpacked, signal });
  }

  /** Waits until all are layers. */
  async finish(): Promise<FinishedLayers> {
    const top = await this.#queue.finish();
    return { top, diffIds: this.#diffIds.filter((diffId) => diffId !== undefined) };
  }

  /** Gives up what cannot become a layer any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#givenUp.abort(new Error("The copy was given up"));
    await this.#queue[Symbol.asyncDispose]();
    await (await this.#small?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}

/** Whether the layer was unpacked from this blob. */
function isOf({ diffId, compressedDigest }: LayerRecord, { digest }: Descriptor): boolean {
  return diffId !== undefined && (digest === diffId || digest === compressedDigest);
}

function plainOf({ diffId, diffSize }: LayerRecord): Descriptor {
  if (diffId === undefined) throw new TypeError("Only layers with a DiffID are copied");
  return { mediaType: "", digest: diffId, size: diffSize };
}

function packedOf(layer: LayerRecord): PackedBlob {
  const { compressedDigest, compressedSize, compression } = layer;
  if (compressedDigest !== undefined && compressedSize > 0)
    return { digest: compressedDigest, size: compressedSize, compression };
  const { digest, size } = plainOf(layer);
  return { digest, size, compression: 0 };
}

function unsupported(message: string): TransportError {
  return new TransportError("transport.unsupported", message);
}

/** As far as the DiffIDs are known from the bottom on. */
function expectedIds({ diffIds, throwaway }: ExpectedLayers): readonly LayerId[] {
  const ids: LayerId[] = [];
  let parent: LayerId;
  for (const [position, none] of throwaway.entries()) {
    const diffId = diffIds[position];
    if (!none && !isDigest(diffId ?? "")) break;
    parent = none ? parent : layerId(parent, diffId as Digest);
    ids.push(parent);
  }
  return ids;
}
