import type { Descriptor } from "../core/descriptor.ts";
import { CopyError } from "../core/errors.ts";
import { isEncryptedType } from "../core/layer-edits.ts";
import type { LayerDecrypter, LayerEncrypter } from "../encryption/layer-crypto.ts";

/** What keys do to layers on the way. */
export type LayerCrypto =
  | {
      readonly does: "encrypt";
      readonly encrypter: LayerEncrypter;
      /** Counted from the first, or below 0 from behind the last; all where none is named. */
      readonly layers: readonly number[];
    }
  | { readonly does: "decrypt"; readonly decrypter: LayerDecrypter };

/** Some layers of an image, as one blob. */
export interface LayerAt {
  readonly blob: Descriptor;
  readonly positions: readonly number[];
  /** How many layers the image has. */
  readonly count: number;
}

/**
 * What happens to a layer: what is encrypted already stays as it is, and what is not needs no key.
 *
 * @throws {CopyError} `copy.unsupported` where the manifest must stay as it is
 */
export function cipherFor(
  crypto: LayerCrypto | undefined,
  layer: LayerAt,
  keepBecause: string | undefined,
): LayerCrypto["does"] | undefined {
  if (!crypto || isEncryptedType(layer.blob.mediaType) !== (crypto.does === "decrypt")) return;
  if (crypto.does === "encrypt" && !isNamed(crypto.layers, layer)) return;
  if (keepBecause === undefined) return crypto.does;
  throw new CopyError(
    "copy.unsupported",
    `layer ${layer.blob.digest} should be ${crypto.does}ed, but we can’t modify the manifest: ${keepBecause}`,
  );
}

function isNamed(layers: readonly number[], { positions, count }: LayerAt): boolean {
  if (layers.length === 0) return true;
  return layers.some((each) => positions.includes(each < 0 ? count + each : each));
}

/**
 * Looks whether an image has the layers that are to be encrypted.
 *
 * @param count how many it has
 * @throws {CopyError} `copy.unsupported`
 */
export function checkLayerNumbers(crypto: LayerCrypto | undefined, count: number): void {
  if (crypto?.does !== "encrypt") return;
  const outside = crypto.layers.find((each) => each >= count || each < -count);
  if (outside === undefined) return;
  throw new CopyError(
    "copy.unsupported",
    `when choosing layers to encrypt, layer index ${outside} out of range (${count} layers exist)`,
  );
}
