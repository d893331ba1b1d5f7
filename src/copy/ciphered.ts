import type { Descriptor } from "../core/descriptor.ts";
import { decryptedType } from "../core/layer-edits.ts";
import { tellsEncryption } from "../encryption/layer-crypto.ts";
import type { NewBlob } from "../stream/blob-stream.ts";
import { telling } from "./failure.ts";
import type { LayerCrypto } from "./layer-crypto.ts";

/** A layer that a key changes while it is read. */
export interface CipheredBlob extends NewBlob {
  /** What its descriptor is to say, once it was read to its end. */
  annotations(): Promise<Readonly<Record<string, string>>>;
}

/**
 * The bytes as a key makes them; as they are without one.
 *
 * @param layer as the source's manifest describes it, and what is said of it now, once it was read
 * @throws {CopyError} `copy.source-failed` where no key opens it
 */
export async function ciphered(
  bytes: AsyncIterable<Uint8Array>,
  layer: Descriptor & { readonly said: () => Readonly<Record<string, string>> },
  crypto: LayerCrypto | undefined,
): Promise<CipheredBlob> {
  const { said, digest, mediaType } = layer;
  if (!crypto) return blobOf(bytes, mediaType, async () => said());
  if (crypto.does === "encrypt") {
    const encrypted = crypto.encrypter.encrypt(bytes, digest);
    return blobOf(encrypted.bytes, mediaType, async () => ({
      ...said(),
      ...(await encrypted.annotations()),
    }));
  }
  const plain = await telling(`decrypting layer ${digest}`, "copy.source-failed", () =>
    crypto.decrypter.decrypt(bytes, layer),
  );
  const others = Object.entries(said()).filter(([name]) => !tellsEncryption(name));
  return blobOf(plain, decryptedType(mediaType), async () => Object.fromEntries(others));
}

/** Whoever gave the bytes closes what they come from. */
function blobOf(
  bytes: AsyncIterable<Uint8Array>,
  mediaType: string,
  annotations: CipheredBlob["annotations"],
): CipheredBlob {
  return {
    mediaType,
    annotations,
    [Symbol.asyncIterator]: () => bytes[Symbol.asyncIterator](),
    async [Symbol.asyncDispose]() {},
  };
}
