import type { Signer } from "../../sigstore/signer.ts";
import type { Signing } from "../copy/sign.ts";
import { type DockerReference, parseCanonicalReference } from "../core/docker-reference.ts";
import { UsageError } from "../core/errors.ts";
import type { CommandContext } from "./context.ts";
import { CliError, withPrefix } from "./errors.ts";
import { askPassphrase, readPassphraseFile } from "./passphrase.ts";
import { openGpgSigner, openKeyFileSigner, openSigstoreSigner } from "./signer-makers.ts";

/** The signers of a run; they hold keys until they are disposed of. */
export interface OpenSigning extends Signing, AsyncDisposable {}

/**
 * The signers that the flags ask for, in skopeo's order: sigstore parameters, Sequoia, GnuPG, OpenPGP file, sigstore key.
 *
 * @throws {UsageError} `usage.bad-flag`; {KnownError} in skopeo's words where a key cannot be used
 */
export async function openSigning(context: CommandContext): Promise<OpenSigning> {
  const { flags } = context;
  await using stack = new AsyncDisposableStack();
  const signers: Signer[] = [];
  const passphrase = await passphraseFor(context);
  for (const open of openers(context, passphrase)) signers.push(stack.use(await open()));
  const identity = flags.has("sign-identity")
    ? signIdentity(flags.string("sign-identity"))
    : undefined;
  const kept = stack.move();
  return {
    signers,
    ...(identity && { identity }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** @throws {UsageError} `usage.bad-flag` */
export function signIdentity(text: string): DockerReference | undefined {
  if (text === "") return undefined;
  try {
    return parseCanonicalReference(text);
  } catch (error) {
    throw bad(`Could not parse --sign-identity: ${(error as Error).message}`);
  }
}

function* openers(
  context: CommandContext,
  passphrase: Uint8Array | undefined,
): Iterable<() => Promise<Signer>> {
  const { flags } = context;
  const parameters = flags.string("sign-by-sigstore");
  const gpgKey = flags.string("sign-by");
  const secretKey = openPgpKeyFile(context);
  const keyFile = flags.string("sign-by-sigstore-private-key");
  if (parameters !== "")
    yield () =>
      withPrefix("Error using --sign-by-sigstore", async () => {
        const { openParametersSigner } = await import("./parameters-signer.ts");
        return await openParametersSigner(context, parameters);
      });
  if (flags.string("sign-by-sq-fingerprint") !== "") throw noSequoia();
  if (gpgKey !== "")
    yield () => withPrefix("creating signature", () => openGpgSigner(context, gpgKey, passphrase));
  if (secretKey !== "") yield () => openKeyFileSigner(context, secretKey, passphrase);
  if (keyFile !== "")
    yield () => openSigstoreSigner(context, keyFile, passphrase ?? new Uint8Array());
}

/** Empty where there is none, as always in skopeo's name. */
function openPgpKeyFile({ flags }: CommandContext): string {
  return flags.has("sign-by-key-file") ? flags.string("sign-by-key-file") : "";
}

/** The kinds of keys may be used together; a passphrase could only be for one of them. */
async function passphraseFor(context: CommandContext): Promise<Uint8Array | undefined> {
  const { flags } = context;
  const file = flags.string("sign-passphrase-file");
  const sigstoreKey = flags.string("sign-by-sigstore-private-key");
  const kinds = [
    flags.string("sign-by"),
    flags.string("sign-by-sq-fingerprint"),
    openPgpKeyFile(context),
    sigstoreKey,
  ];
  if (file !== "") {
    if (kinds.filter((key) => key !== "").length > 1)
      throw bad(
        "Only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key can be used with --sign-passphrase-file",
      );
    return readPassphraseFile(file);
  }
  return sigstoreKey === "" ? undefined : await askPassphrase(context, sigstoreKey);
}

/** The answer of Debian's build of skopeo. */
function noSequoia(): CliError {
  return new CliError(
    "cli.unsupported",
    "Error using --sign-by-sq-fingerprint: Sequoia-PGP support is not enabled in this build",
    { hint: "Use --sign-by with a key in GnuPG's keyring" },
  );
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
