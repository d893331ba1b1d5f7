import { formatPayload } from "../payload.ts";
import type { Claim } from "../signature.ts";
import type { Signer } from "../signer.ts";
import { type GpgEnvironment, type GpgResult, runGpg } from "./gpg.ts";
import { findGpgKey, type GpgKey } from "./gpg-keys.ts";
import { isOwnSignature } from "./own-signature.ts";
import { cannotSign, checkPassphrase, type SigningOptions } from "./signing-options.ts";
import { createSimpleSigningVerifier, type SimpleSigningVerifier } from "./verifier.ts";

/** Which of the user's keys signs, and where it is. */
export interface GpgSignerOptions extends SigningOptions {
  /** A fingerprint, key ID, e-mail address or part of a name: what GnuPG takes. */
  readonly key: string;
  readonly environment: GpgEnvironment;
  readonly signal?: AbortSignal;
}

/**
 * A signer that has the user's GnuPG sign, with its agent, its smart cards and its home folder. The key is looked up now.
 *
 * @throws {SignatureError} `signature.cannot-sign`: `key "x" not found`, `Ambiguous name`
 */
export async function createGpgSigner(options: GpgSignerOptions): Promise<Signer> {
  const { key: name, environment, passphrase, creator, now, signal } = options;
  checkPassphrase(passphrase);
  const key = await findGpgKey(name, environment, signal);
  let own: Promise<SimpleSigningVerifier> | undefined;
  let tried: Promise<unknown> | undefined;
  return {
    keyId: key.fingerprint,
    format: "simple-signing",
    async sign(claim, { signal, optional }) {
      const input = formatPayload(claim, "simple-signing", {
        creator,
        signedAt: now(),
        ...(optional && { optional }),
      });
      const bytes = await sign(key, { environment, passphrase, input, signal });
      return { format: "simple-signing", bytes };
    },
    async hasMade(signature, claim: Claim) {
      own ??= ownVerifier(key, options);
      if (!(await isOwnSignature(own, signature, claim, key.fingerprint))) return false;
      // As in every tool that signs anew each time, a wrong passphrase must not go unnoticed.
      if (passphrase === undefined) return true;
      tried ??= tryKey(key, options);
      await tried;
      return true;
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** What the user's configuration may say of armour, text and compression would make a message that nobody takes. */
const form = ["--yes", "--no-armor", "--no-textmode", "--compress-algo", "zip"];

async function sign(key: GpgKey, run: Parameters<typeof runGpg>[1]): Promise<Uint8Array> {
  const result = await runGpg([...form, "--local-user", key.localUser, "--sign"], run);
  const made = result.status.filter((line) => line.startsWith("SIG_CREATED S "));
  if (result.exitCode === 0 && made.length === 1) return result.stdout;
  throw cannotSign(failure(result), new Error(result.stderr));
}

/** Signs nothing of worth, for what it says of the passphrase. */
async function tryKey(
  key: GpgKey,
  { environment, passphrase, signal }: GpgSignerOptions,
): Promise<void> {
  await sign(key, { environment, passphrase, input: new Uint8Array(), ...(signal && { signal }) });
}

/** GnuPG's reason, which is what the reference shows: `Bad passphrase`. */
function failure({ stderr, exitCode }: GpgResult): string {
  const reason = /^gpg: (?:.*: sign failed|signing failed): (.+)$/m.exec(stderr)?.[1];
  const last = stderr
    .trimEnd()
    .split("\n")
    .at(-1)
    ?.replace(/^gpg: /, "");
  return reason ?? (last || `gpg ended with exit code ${exitCode}`);
}

async function ownVerifier(
  key: GpgKey,
  { environment, now }: GpgSignerOptions,
): Promise<SimpleSigningVerifier> {
  const { stdout } = await runGpg(["--export", "--", key.fingerprint], { environment });
  return createSimpleSigningVerifier([stdout], { now });
}
