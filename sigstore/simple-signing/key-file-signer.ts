import type { PrivateKey } from "openpgp";
import { formatPayload } from "../payload.ts";
import type { Signer } from "../signer.ts";
import { readKeyBlocks } from "./openpgp/armor.ts";
import { readCertificates, type SigningKey, signingKeys } from "./openpgp/key-ring.ts";
import { isOwnSignature } from "./own-signature.ts";
import { cannotSign, checkPassphrase, type SigningOptions } from "./signing-options.ts";
import { createSimpleSigningVerifier } from "./verifier.ts";

/** openpgp.js is loaded when somebody signs with a key file, and for nothing else. */
type OpenPgp = typeof import("openpgp");

/** The file of one secret key, as `gpg --export-secret-keys` writes it, armoured or binary. */
export interface KeyFileSignerOptions extends SigningOptions {
  readonly keyFile: Uint8Array;
}

/**
 * A signer that needs no GnuPG. The primary key signs if it can, since clients older than August 2025 refuse subkeys;
 * what it makes is verified before it is handed out.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function createKeyFileSigner(options: KeyFileSignerOptions): Promise<Signer> {
  const { keyFile, passphrase, creator, now } = options;
  checkPassphrase(passphrase);
  const openpgp = await import("openpgp");
  const locked = await readSecretKey(openpgp, keyFile);
  const signing = chooseKey(locked, keyFile, now());
  const key = await unlock(openpgp, locked, passphrase);
  const { fingerprint } = signing.certificate.primary;
  const verifier = createSimpleSigningVerifier([keyFile], { now });
  return {
    keyId: fingerprint,
    format: "simple-signing",
    async sign(claim, { signal, optional }) {
      signal.throwIfAborted();
      const content = formatPayload(claim, "simple-signing", {
        creator,
        signedAt: now(),
        ...(optional && { optional }),
      });
      const bytes = await sign(openpgp, { key, signing, content, date: now() });
      const made = { format: "simple-signing", bytes } as const;
      if (await isOwnSignature(verifier, made, claim, fingerprint)) return made;
      throw cannotSign(`the signature by key ${signing.key.fingerprint} is not a good one`);
    },
    hasMade: (signature, claim) => isOwnSignature(verifier, signature, claim, fingerprint),
    async [Symbol.asyncDispose]() {},
  };
}

async function readSecretKey(openpgp: OpenPgp, keyFile: Uint8Array): Promise<PrivateKey> {
  const [block, another] = readKeyBlocks(keyFile);
  if (!block) throw cannotSign("no secret key in the key file");
  try {
    const keys = await openpgp.readPrivateKeys({ binaryKeys: block });
    const [key] = keys;
    if (key && keys.length === 1 && !another) return key;
  } catch (cause) {
    throw cannotSign("no secret key in the key file", cause);
  }
  throw cannotSign("more than one key in the key file");
}

/** The key that signs: one that would be accepted now, and whose secret is in the file. */
function chooseKey(secret: PrivateKey, keyFile: Uint8Array, now: Date): SigningKey {
  const seconds = Math.floor(now.getTime() / 1000);
  const present = secret
    .getKeys()
    .filter(({ keyPacket }) => !("isDummy" in keyPacket && keyPacket.isDummy()))
    .map((one) => one.getFingerprint().toUpperCase());
  const candidates = readCertificates([keyFile])
    .flatMap(signingKeys)
    .filter(({ key }) => present.includes(key.fingerprint));
  const chosen = candidates.find((one) => !one.judge(seconds).problem);
  if (chosen) return chosen;
  const [first] = candidates;
  const problem = first?.judge(seconds).problem?.text ?? "is of a version that is not supported";
  throw cannotSign(
    `key ${first?.key.fingerprint ?? secret.getFingerprint().toUpperCase()} ${problem}`,
  );
}

async function unlock(
  openpgp: OpenPgp,
  privateKey: PrivateKey,
  passphrase: string | undefined,
): Promise<PrivateKey> {
  if (privateKey.isDecrypted()) return privateKey;
  if (passphrase === undefined) {
    throw cannotSign("the key file is protected", undefined, "Give its passphrase in a file");
  }
  try {
    return await openpgp.decryptKey({ privateKey, passphrase });
  } catch (cause) {
    throw cannotSign("Bad passphrase", cause);
  }
}

interface Signing {
  readonly key: PrivateKey;
  readonly signing: SigningKey;
  readonly content: Uint8Array;
  readonly date: Date;
}

async function sign(
  openpgp: OpenPgp,
  { key, signing, content, date }: Signing,
): Promise<Uint8Array> {
  const message = await openpgp.createMessage({ binary: content, date });
  try {
    return await openpgp.sign({
      message,
      signingKeys: key,
      signingKeyIDs: key
        .getKeys()
        .filter((one) => one.getFingerprint().toUpperCase() === signing.key.fingerprint)
        .map((one) => one.getKeyID()),
      format: "binary",
      date,
      // As GnuPG signs: without a note of random bytes.
      config: { nonDeterministicSignaturesViaNotation: false },
    });
  } catch (cause) {
    throw cannotSign(`signing with key ${signing.key.fingerprint}: ${String(cause)}`, cause);
  }
}
