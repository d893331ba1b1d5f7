import type { Signer } from "../../sigstore/signer.ts";
import type { CommandContext } from "./context.ts";
import { notSupportedYet } from "./errors.ts";

/** A signer by a key of the user's GnuPG keyring. */
export async function openGpgSigner(
  _context: CommandContext,
  _key: string,
  _passphrase: Uint8Array | undefined,
): Promise<Signer> {
  throw notSupportedYet("--sign-by");
}

/** A signer by a sigstore private key in a file. */
export async function openSigstoreSigner(
  _context: CommandContext,
  _file: string,
  _passphrase: Uint8Array,
): Promise<Signer> {
  throw notSupportedYet("--sign-by-sigstore-private-key");
}

/** A new pair of sigstore keys, both as PEM; the private one encrypted. */
export async function generateSigstoreKeys(
  _passphrase: Uint8Array,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  throw notSupportedYet("generate-sigstore-key");
}
