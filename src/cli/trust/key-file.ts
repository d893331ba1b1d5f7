import { isAbsolute, resolve } from "node:path";
import { readFile } from "../../config/load-file.ts";
import { CliError } from "../errors.ts";

/** A public key that a policy can name. */
export interface KeyFile {
  /** Absolute: a policy's relative paths would depend on where the program is started. */
  readonly path: string;
  /** Which requirement it serves: signedBy or sigstoreSigned. */
  readonly kind: "openpgp" | "sigstore";
  readonly bytes: Uint8Array;
}

const TEXTS: readonly (readonly [begin: RegExp, kind: KeyFile["kind"] | "private" | "other"])[] = [
  [/-----BEGIN PGP PUBLIC KEY BLOCK-----/, "openpgp"],
  [/-----BEGIN (RSA )?PUBLIC KEY-----/, "sigstore"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----/, "private"],
  [/-----BEGIN /, "other"],
];

const PUBLIC_KEY_PACKET = 6;
const SECRET_KEY_PACKET = 5;

/**
 * Reads a key file as far as it takes to tell what it is.
 *
 * @throws {CliError} `cli.bad-key` for anything but a public key; {ConfigError} `config.unreadable`
 */
export function loadKeyFile(name: string, cwd: string): KeyFile {
  const path = isAbsolute(name) ? name : resolve(cwd, name);
  const bytes = readFile(path);
  const kind = kindOf(bytes);
  if (kind === "openpgp" || kind === "sigstore") return { path, kind, bytes };
  throw new CliError("cli.bad-key", `Cannot use key ${JSON.stringify(name)}: ${FAULTS[kind]}`, {
    hint: HINTS[kind],
  });
}

type Fault = "private" | "keybox" | "other";

const FAULTS: Readonly<Record<Fault, string>> = {
  private: "it holds a private key",
  keybox: "it is a GnuPG keybox, which no policy can use",
  other: "it holds neither an OpenPGP nor a sigstore public key",
};

const HINTS: Readonly<Record<Fault, string>> = {
  private: "Name the public key: gpg --export FINGERPRINT, or the .pub file beside it",
  keybox: "Export the key with gpg --export FINGERPRINT",
  other: "Name the output of gpg --export, or a PEM file that begins with BEGIN PUBLIC KEY",
};

/** What a file is, from its first bytes or its armour. */
export function kindOf(bytes: Uint8Array): KeyFile["kind"] | Fault {
  if (Buffer.from(bytes.subarray(8, 12)).toString("latin1") === "KBXf") return "keybox";
  const packet = packetTag(bytes[0] ?? 0);
  if (packet === PUBLIC_KEY_PACKET) return "openpgp";
  if (packet === SECRET_KEY_PACKET) return "private";
  const text = Buffer.from(bytes).toString("latin1");
  return TEXTS.find(([begin]) => begin.test(text))?.[1] ?? "other";
}

/** RFC 9580 § 4.2: the type in a packet's first byte; undefined where it is no packet. */
function packetTag(first: number): number | undefined {
  if ((first & 0x80) === 0) return undefined;
  return (first & 0x40) === 0 ? (first & 0x3c) >> 2 : first & 0x3f;
}
