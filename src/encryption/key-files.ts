import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { EncryptionError } from "./errors.ts";
import { algorithmFor } from "./jwe.ts";

/** Ways of giving a layer's key to somebody that ocicrypt has, and we have not. */
const otherProtocols = new Set(["pgp", "pkcs7", "pkcs11", "provider"]);

/**
 * Whom layers are encrypted for: `jwe:PATH`, a public key as DER, PEM or JWK.
 *
 * @throws {EncryptionError} `encryption.bad-key`, `encryption.unsupported`
 */
export async function readRecipient(text: string): Promise<KeyObject> {
  const colon = text.indexOf(":");
  if (colon < 0) throw badKey("Invalid recipient format");
  const [protocol, path] = [text.slice(0, colon), text.slice(colon + 1)];
  if (otherProtocols.has(protocol)) {
    throw new EncryptionError(
      "encryption.unsupported",
      `encrypting for ${protocol}: is not supported yet`,
      { hint: "Choose jwe: with the path of a public key" },
    );
  }
  if (protocol !== "jwe") throw badKey("Provided protocol not recognized");
  const bytes = await read(path, "Unable to read file: ");
  const key = publicKeyOf(bytes);
  if (!key) throw badKey("File provided is not a public key");
  algorithmFor(key); // refuses what can encrypt nothing before anything is encrypted
  return key;
}

/**
 * What decrypts layers: `PATH`, or `PATH:PASSWORD` with `pass=`, `file=` or `fd=` before the password; a private key as DER,
 * PEM or JWK. Undefined where it is something else: ocicrypt passes over that, as it may be another protocol's.
 *
 * @throws {EncryptionError} `encryption.bad-key`
 */
export async function readPrivateKey(text: string): Promise<KeyObject | undefined> {
  if (text.startsWith("provider:")) return undefined;
  const parts = text.split(":");
  const [path = "", password] = parts;
  const passphrase = parts.length === 2 ? await readPassword(password ?? "") : undefined;
  return privateKeyOf(await read(path), passphrase);
}

async function readPassword(text: string): Promise<Buffer> {
  if (text.startsWith("pass=")) return Buffer.from(text.slice("pass=".length));
  if (text.startsWith("file=")) return await read(text.slice("file=".length));
  if (!text.startsWith("fd=")) return Buffer.from(text);
  const [said, fd] = [text.slice("fd=".length), Number(text.slice("fd=".length))];
  if (!/^[+-]?\d+$/.test(said) || !Number.isSafeInteger(fd))
    throw badKey(
      `could not parse file descriptor ${said}: strconv.Atoi: parsing ${JSON.stringify(said)}: invalid syntax`,
    );
  try {
    return (await readFile(`/dev/fd/${fd}`)).subarray(0, 64);
  } catch (cause) {
    const why = "could not read from file descriptor: read pwdfile: bad file descriptor";
    throw badKey(why, { cause });
  }
}

async function read(path: string, before = ""): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EISDIR")
      throw badKey(`Unable to read file: read ${path}: is a directory`, { cause: error });
    const text = (error as Error).message.replace(/^E[A-Z]+: (.*), (\w+)( '.*')?$/, "$1");
    throw badKey(`${before}open ${path}: ${text}`, { cause: error });
  }
}

function publicKeyOf(bytes: Buffer): KeyObject | undefined {
  return (
    attempt(() => createPublicKey({ key: bytes, format: "der", type: "spki" })) ??
    // A certificate, or a private key in PEM, would give a public key too.
    (isPem(bytes, /^PUBLIC KEY$/) ? attempt(() => createPublicKey(bytes)) : undefined) ??
    attempt(() => publicJwk(JSON.parse(bytes.toString())))
  );
}

function publicJwk(jwk: Record<string, unknown>): KeyObject {
  if ("d" in jwk) throw badKey("JWK is not a public key");
  return createPublicKey({ key: jwk, format: "jwk" });
}

function privateKeyOf(bytes: Buffer, passphrase: Buffer | undefined): KeyObject | undefined {
  for (const type of ["pkcs8", "pkcs1", "sec1"] as const) {
    const key = attempt(() => createPrivateKey({ key: bytes, format: "der", type }));
    if (key) return key;
  }
  if (isPem(bytes, /PRIVATE KEY$/)) return pemKey(bytes, passphrase);
  return attempt(() => createPrivateKey({ key: JSON.parse(bytes.toString()), format: "jwk" }));
}

function pemKey(bytes: Buffer, passphrase: Buffer | undefined): KeyObject | undefined {
  const isEncrypted = /^Proc-Type: 4,ENCRYPTED|^-----BEGIN ENCRYPTED/m.test(bytes.toString());
  if (isEncrypted && !passphrase) throw badKey(": Missing password for encrypted private key");
  const key = attempt(() => createPrivateKey({ key: bytes, ...(passphrase && { passphrase }) }));
  if (!key && isEncrypted) throw badKey(": Wrong password: could not decrypt private key");
  return key;
}

function isPem(bytes: Buffer, label: RegExp): boolean {
  const begin = /^-----BEGIN ([A-Z0-9 ]+)-----/m.exec(bytes.toString("latin1"));
  return begin?.[1] !== undefined && label.test(begin[1]);
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

function badKey(message: string, options: { cause?: unknown; hint?: string } = {}) {
  return new EncryptionError("encryption.bad-key", message, options);
}
