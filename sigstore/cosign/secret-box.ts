import { randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { KnownError } from "../../src/core/errors.ts";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { goQuote } from "../../src/core/go-quote.ts";
import { type JsonValue, parseStrictJson } from "../../src/core/strict-json.ts";
import { SignatureError } from "../errors.ts";

const keyBytes = 32;
const nonceBytes = 24;
const saltBytes = 32;

/** The only costs that are taken, as in the reference: whoever writes the file must not choose our memory. */
const costs: ReadonlySet<number> = new Set([32_768, 65_536, 131_072]);
const blockSize = 8;
const parallelism = 1;
const newCost = 65_536;

// box = { "kdf": { "name": "scrypt", "params": { "N", "r", "p" }, "salt": base64 },
//         "cipher": { "name": "nacl/secretbox", "nonce": base64 }, "ciphertext": base64 }

/**
 * Opens what a passphrase closes in the key files of cosign — `specs/signing.md` 4.7.
 *
 * @throws {SignatureError} `signature.cannot-sign`, in the reference's words
 */
export async function openBox(box: Uint8Array, passphrase: Uint8Array): Promise<Uint8Array> {
  const { salt, cost, nonce, ciphertext } = parseBox(box);
  const { xsalsa20poly1305 } = await import("@noble/ciphers/salsa.js");
  const key = await deriveKey(passphrase, salt, cost);
  try {
    return xsalsa20poly1305(key, nonce).decrypt(ciphertext);
  } catch (cause) {
    throw bad("encrypted: decryption failed", cause);
  }
}

/** Closes `content` with a passphrase, which may be empty. */
export async function closeBox(content: Uint8Array, passphrase: Uint8Array): Promise<Uint8Array> {
  const { xsalsa20poly1305 } = await import("@noble/ciphers/salsa.js");
  const [salt, nonce] = [randomBytes(saltBytes), randomBytes(nonceBytes)];
  const key = await deriveKey(passphrase, salt, newCost);
  const ciphertext = xsalsa20poly1305(key, nonce).encrypt(content);
  const params = { N: newCost, r: blockSize, p: parallelism };
  const box = {
    kdf: { name: "scrypt", params, salt: salt.toString("base64") },
    cipher: { name: "nacl/secretbox", nonce: nonce.toString("base64") },
    ciphertext: Buffer.from(ciphertext).toString("base64"),
  };
  return Buffer.from(JSON.stringify(box));
}

function deriveKey(passphrase: Uint8Array, salt: Uint8Array, cost: number): Promise<Uint8Array> {
  const derive = promisify<Uint8Array, Uint8Array, number, object, Buffer>(scrypt);
  const maxmem = 256 * cost * blockSize;
  return derive(passphrase, salt, keyBytes, { N: cost, r: blockSize, p: parallelism, maxmem });
}

interface Box {
  readonly salt: Uint8Array;
  readonly cost: number;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

function parseBox(bytes: Uint8Array): Box {
  const box = orBad(() => parseStrictJson(bytes, { maxDepth: 10 }));
  const kdf = memberOf(box, "kdf");
  const cipher = memberOf(box, "cipher");
  const params = memberOf(kdf, "params");
  const [salt, nonce, ciphertext] = orBad(() => [
    bytesOf(kdf, "salt"),
    bytesOf(cipher, "nonce"),
    bytesOf(box, "ciphertext"),
  ]);
  const kdfName = textOf(kdf, "name");
  if (kdfName !== "scrypt") throw bad(`encrypted: unknown kdf name ${goQuote(kdfName)}`);
  const cipherName = textOf(cipher, "name");
  if (cipherName !== "nacl/secretbox") {
    throw bad(`encrypted: unknown cipher name ${goQuote(cipherName)}`);
  }
  const cost = memberOf(params, "N");
  const usual = memberOf(params, "r") === blockSize && memberOf(params, "p") === parallelism;
  if (typeof cost !== "number" || !costs.has(cost) || !usual) {
    throw bad("unsupported scrypt parameters");
  }
  if (nonce.length !== nonceBytes) throw bad("encrypted: incorrect nonce size");
  return { salt, cost, nonce, ciphertext };
}

function memberOf(value: JsonValue, name: string): JsonValue {
  return value instanceof Map ? (value.get(name) ?? null) : null;
}

function textOf(value: JsonValue, name: string): string {
  const member = memberOf(value, name);
  return typeof member === "string" ? member : "";
}

function bytesOf(value: JsonValue, name: string): Uint8Array {
  return decodeGoBase64(textOf(value, name));
}

function orBad<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(error.message, error);
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.cannot-sign", message, { cause });
}
