import type { KeyFiles } from "../../sigstore/cosign/key-file.ts";
import type { SignatureLog } from "../../sigstore/cosign/signer.ts";
import type { Signer } from "../../sigstore/signer.ts";
import type { CommandContext } from "./context.ts";
import { readNamed } from "./trust/named-file.ts";

/**
 * A signer by a key of the user's GnuPG keyring; without a passphrase GnuPG's agent asks for it.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function openGpgSigner(
  context: CommandContext,
  key: string,
  passphrase: Uint8Array | undefined,
): Promise<Signer> {
  const { createGpgSigner } = await import("../../sigstore/simple-signing/gpg-signer.ts");
  const { environment } = await context.parts();
  return await createGpgSigner({
    key,
    environment: environment.variables,
    signal: context.signal,
    ...(passphrase && { passphrase: Buffer.from(passphrase).toString() }),
    ...details(context),
  });
}

/**
 * A signer by an OpenPGP secret key in a file, which needs no GnuPG.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function openKeyFileSigner(
  context: CommandContext,
  file: string,
  passphrase: Uint8Array | undefined,
): Promise<Signer> {
  const keyFile = readNamed(file, `reading private key from ${file}`);
  const { createKeyFileSigner } = await import("../../sigstore/simple-signing/key-file-signer.ts");
  return await createKeyFileSigner({
    keyFile,
    ...(passphrase && { passphrase: Buffer.from(passphrase).toString() }),
    ...details(context),
  });
}

/**
 * A signer by a sigstore private key in a file.
 *
 * @throws {SignatureError} `signature.cannot-sign`, in skopeo's words
 */
export async function openSigstoreSigner(
  context: CommandContext,
  file: string,
  passphrase: Uint8Array,
  log?: SignatureLog,
): Promise<Signer> {
  const keyFile = readNamed(file, `reading private key from ${file}`);
  const { createSigstoreSigner } = await import("../../sigstore/cosign/signer.ts");
  return await createSigstoreSigner({
    keyFile,
    passphrase,
    ...details(context),
    ...(log && { log }),
  });
}

/** A new pair of sigstore keys, both as PEM; the private one encrypted. */
export async function generateSigstoreKeys(passphrase: Uint8Array): Promise<KeyFiles> {
  const { generateKeyFiles } = await import("../../sigstore/cosign/key-file.ts");
  return await generateKeyFiles(passphrase);
}

/** What a signature says of the program that made it. */
export function details({ version }: CommandContext) {
  return { creator: `amphora ${version}`, now: () => new Date() };
}
