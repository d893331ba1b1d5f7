import type { LayerCrypto } from "../../copy/layer-crypto.ts";
import { withPrefix } from "../errors.ts";
import type { FlagValues } from "../flags.ts";

/**
 * What `--encryption-key`, `--encrypt-layer` and `--decryption-key` ask for; undefined where they are not there.
 *
 * @throws {EncryptionError} `encryption.bad-key`, `encryption.unsupported`
 */
export async function layerCrypto(flags: FlagValues): Promise<LayerCrypto | undefined> {
  const recipients = flags.strings("encryption-key");
  const keys = flags.strings("decryption-key");
  if (recipients.length === 0 && keys.length === 0) return undefined;
  const { LayerDecrypter, LayerEncrypter } = await import("../../encryption/layer-crypto.ts");
  if (keys.length > 0) {
    return await withPrefix("Invalid decryption keys", async () => ({
      does: "decrypt",
      decrypter: await LayerDecrypter.reading(keys),
    }));
  }
  return await withPrefix("Invalid encryption keys", async () => ({
    does: "encrypt",
    encrypter: await LayerEncrypter.reading(recipients),
    layers: flags.numbers("encrypt-layer"),
  }));
}
