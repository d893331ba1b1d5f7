import { type GpgEnvironment, runGpg } from "./gpg.ts";
import { cannotSign } from "./signing-options.ts";

/** A key of the user's that signs. */
export interface GpgKey {
  /** Of the primary key. */
  readonly fingerprint: string;
  /** What to call it: with `!` where that very key has to sign, and no other that belongs to it. */
  readonly localUser: string;
}

/** In bytes: GPGME, which the reference asks, takes no shorter one, which may be part of anybody's name. */
const shortestName = 8;

interface Listed {
  readonly canSign: boolean;
  /** Whether it or a subkey can sign now: none does of a key that is expired, revoked or disabled. */
  readonly isUsable: boolean;
  /** The key's own, then its subkeys'. */
  readonly fingerprints: string[];
}

/**
 * The one secret key that is meant by `name`: a fingerprint, key ID, e-mail address or part of a name. The primary key
 * signs if it can, since clients older than August 2025 refuse subkeys; a subkey does where `name` is its fingerprint.
 *
 * @throws {SignatureError} `signature.cannot-sign`, in the reference's words
 */
export async function findGpgKey(
  name: string,
  environment: GpgEnvironment,
  signal?: AbortSignal,
): Promise<GpgKey> {
  if (Buffer.byteLength(name) < shortestName)
    throw cannotSign(
      "Invalid value",
      undefined,
      "Name the key by its e-mail address or fingerprint",
    );
  const list = ["--with-colons", "--with-subkey-fingerprint", "--list-secret-keys", "--", name];
  const run = { environment, ...(signal && { signal }) };
  const { stdout } = await runGpg(list, run);
  const keys = parseListing(Buffer.from(stdout).toString());
  const [key] = keys;
  if (!key) throw cannotSign(`key "${name}" not found`);
  if (keys.length > 1) {
    throw cannotSign("Ambiguous name", undefined, "Name the key by its full fingerprint");
  }
  // What GnuPG says when it is to sign, by when an image is where nobody has signed it.
  if (!key.isUsable) throw cannotSign("Unusable secret key");
  const asked = name.replace(/^0x/i, "").toUpperCase();
  const [fingerprint = "", ...subkeys] = key.fingerprints;
  const pinned = subkeys.find((one) => one === asked) ?? (key.canSign ? fingerprint : undefined);
  return { fingerprint, localUser: pinned === undefined ? fingerprint : `${pinned}!` };
}

// GnuPG's doc/DETAILS: a sec record and ssb records, each followed by its fpr; field 12 has what the key itself does in
// lower case and what it can be used for now, with its subkeys, in upper case; field 15 is # where its secret is kept elsewhere.
function parseListing(text: string): readonly Listed[] {
  const keys: Listed[] = [];
  for (const line of text.split("\n")) {
    const fields = line.split(":");
    if (fields[0] === "fpr") keys.at(-1)?.fingerprints.push(fields[9] ?? "");
    if (fields[0] !== "sec") continue;
    const [uses = "", secret] = [fields[11], fields[14]];
    keys.push({
      canSign: uses.includes("s") && secret !== "#",
      isUsable: uses.includes("S") && !uses.includes("D"),
      fingerprints: [],
    });
  }
  return keys;
}
