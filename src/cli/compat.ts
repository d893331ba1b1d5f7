import { flagsOf } from "./find-command.ts";
import { skopeoFlags } from "./skopeo-flags.ts";
import { commandsOf } from "./specs/all.ts";

/** How one of skopeo's commands or flags is answered. */
export interface CompatRow {
  readonly command: string;
  /** With its dashes; absent for the command itself. */
  readonly flag?: string;
  readonly answer: "same" | "different" | "missing";
  readonly note?: string;
}

/** Commands that are known and refused. */
const MISSING_COMMANDS = new Set(["layers"]);

/** What is done otherwise, on purpose, by `command --flag` or `--flag`. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "--tmpdir":
    "where archives may be kept that can be read once only; without it nothing is staged anywhere",
  "copy --sign-by": "adds nothing where it has signed the same before; refuses before a byte moves",
  "copy --sign-by-sq-fingerprint":
    "answered as Debian's skopeo does, which is built without Sequoia",
  "copy --sign-by-sigstore":
    "a certificate of Fulcio's that runs out in a long run is renewed; what a log gives back is checked",
  "copy --encryption-key": "for jwe: keys; not for pgp:, pkcs7:, pkcs11: and provider:",
  "copy --decryption-key":
    "RSA and elliptic-curve keys as DER, PEM or JWK; not OpenPGP's, PKCS #7's and PKCS #11's",
  "copy --dest-precompute-digests": "accepted; digests are known before without a temporary file",
  sync: "what skopeo passes over with a line (unknown keys, bad names, tags that cannot be listed) is an error",
  completion: "scripts of our own, with the same candidates",
};

/** Every command and flag of skopeo 1.22, measured against our own tables. */
export function compatRows(): readonly CompatRow[] {
  return Object.entries(skopeoFlags).flatMap(([command, flags]) => [
    ...(command === "" ? [] : [commandRow(command)]),
    ...flags.map((flag) => flagRow(command, flag)),
  ]);
}

function commandRow(command: string): CompatRow {
  const isThere = commandsOf("skopeo").some((spec) => spec.name === command);
  if (!isThere) return { command, answer: "missing" };
  if (MISSING_COMMANDS.has(command))
    return { command, answer: "missing", note: "says that it is not supported yet" };
  const note = DIFFERENT[command];
  return note === undefined ? { command, answer: "same" } : { command, answer: "different", note };
}

function flagRow(command: string, text: string): CompatRow {
  const [name = "", short] = text.split(",");
  const row = { command, flag: short === undefined ? `--${name}` : `--${name}, -${short}` };
  const path = commandsOf("skopeo").filter((spec) => spec.name === command);
  const { own } = flagsOf("skopeo", path);
  const isKnown = own.some((flag) => flag.name === name && flag.short === short);
  if (!isKnown || (path.length === 0 && command !== "")) return { ...row, answer: "missing" };
  if (MISSING_COMMANDS.has(command) && name !== "help")
    return { ...row, answer: "missing", note: "parsed, as is the rest of the command" };
  const note = DIFFERENT[command === "" ? `--${name}` : `${command} --${name}`];
  return note === undefined ? { ...row, answer: "same" } : { ...row, answer: "different", note };
}
