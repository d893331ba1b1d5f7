import { createHash } from "node:crypto";
import type { StorePlace } from "../../config/store-place.ts";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { NewLayer, StagedLayer } from "../../storage/store.ts";
import type { UnpackedLayer, UnpackTarget } from "../../storage/unpack/messages.ts";
import type { UnpackThread } from "../../storage/unpack/thread.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";

/** The bytes of a layer on their way into a store. */
export interface LayerBlob {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** What is to be recorded of the blob; found out where it is absent, since the bytes are being made. */
  readonly packed?: PackedBlob;
}

/** A blob that a layer was unpacked from. */
export interface PackedBlob {
  readonly digest: Digest;
  readonly size: number;
  /** As in layers.json, where the bytes are not the blob's own but what it unpacks to. */
  readonly compression?: number;
}

/** A layer but where it stands. */
export type UnpackedBlob = Omit<NewLayer, "id" | "parent"> & Pick<UnpackedLayer, "cover">;

/** How a blob is unpacked. */
export interface UnpackRequest extends CallOptions {
  /** `later`: for vfs, upon nothing, until the tree of the layers below is there. */
  readonly base?: UnpackTarget["base"];
  /** One that several layers share; else one of its own. */
  readonly thread?: UnpackThread | undefined;
}

/**
 * Unpacks a blob into all of these places, as the store has its trees, on a thread of its own.
 *
 * @throws {UnpackError} and what reading the blob throws; what was staged is then to be given up
 */
export async function unpackBlob(
  place: StorePlace,
  { bytes, packed }: LayerBlob,
  staged: readonly StagedLayer[],
  { signal, thread, base = "there" }: UnpackRequest,
): Promise<UnpackedBlob> {
  // Native code is loaded with it: not before a layer comes.
  const { unpackLayer } = await import("../../storage/unpack/unpack-layer.ts");
  const whiteouts = whiteoutsOf(place);
  const targets = staged.map(({ folder, tarSplit }) => ({
    folder,
    tarSplit,
    whiteouts,
    userNamespace: place.userNamespace,
    ignoreChownErrors: place.ignoreChownErrors ?? false,
    base,
  }));
  const measured = packed ? undefined : new MeasuredBytes(bytes);
  const unpacked = await unpackLayer(measured ?? bytes, targets, { signal, thread }).catch(
    (error) => {
      throw failed(error, packed);
    },
  );
  const { digest, size, compression = unpacked.compression } = packed ?? measuredBlob(measured);
  return { ...unpacked, compressedDigest: digest, compressedSize: size, compression };
}

function whiteoutsOf({ driver, mountProgram }: StorePlace): UnpackTarget["whiteouts"] {
  if (driver === "vfs") return "vfs";
  return mountProgram ? "mount-program" : "overlay";
}

/** Which layer it was; failures of the bytes themselves are told of elsewhere. */
function failed(error: unknown, packed: PackedBlob | undefined): unknown {
  if (!packed || !(error instanceof KnownError)) return error;
  const message = `adding layer with blob ${goQuote(packed.digest)}: ${error.message}`;
  const { hint, retryable } = error;
  return new TransportError("transport.unsupported", message, {
    cause: error,
    retryable,
    ...(hint !== undefined && { hint }),
  });
}

function measuredBlob(measured: MeasuredBytes | undefined): PackedBlob {
  if (!measured) throw new TypeError("A blob is known or measured");
  return measured.measure();
}

/** Bytes that are counted and hashed as they pass. */
class MeasuredBytes implements AsyncIterable<Uint8Array> {
  readonly #bytes: AsyncIterable<Uint8Array>;
  readonly #hash = createHash("sha256");
  #size = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of this.#bytes) {
      this.#hash.update(chunk);
      this.#size += chunk.byteLength;
      yield chunk;
    }
  }

  measure(): PackedBlob {
    return { digest: parseDigest(`sha256:${this.#hash.digest("hex")}`), size: this.#size };
  }
}
