import { KnownError } from "../../src/core/errors.ts";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { goQuote } from "../../src/core/go-quote.ts";
import { type JsonValue, parseStrictJson } from "../../src/core/strict-json.ts";
import { SignatureError } from "../errors.ts";
import { pemText } from "./pem.ts";

/** What Rekor's `hashedrekord` 0.0.1 says was signed, by whom. */
export interface HashedRekord {
  /** PEM of a public key or a certificate. */
  readonly publicKey: string;
  readonly signature: Uint8Array;
  /**
   * The SHA-256 of what was signed, in lower-case hex.
   *
   * @throws {SignatureError} `signature.bad-log-entry` where it is absent or of another algorithm
   */
  payloadHash(): string;
}

const maxDepth = 100;

/**
 * Reads the body of a log entry. Members that are not needed may be there; none may be there twice.
 *
 * @throws {SignatureError} `signature.bad-log-entry`, in the reference's words
 */
export function parseHashedRekord(body: Uint8Array): HashedRekord {
  const entry = document(body);
  const kind = textOf(entry, "kind") ?? "";
  if (kind !== "hashedrekord") {
    throw bad(`decoding the body of a Rekor SET payload: invalid kind value: ${goQuote(kind)}`);
  }
  const version = textOf(entry, "apiVersion");
  if (version === undefined) throw bad("missing Rekor SET Payload API version");
  if (version !== "0.0.1") {
    throw bad(`unsupported Rekor SET Payload hashedrekord version ${goQuote(version)}`);
  }
  const spec = memberOf(entry, "spec") ?? new Map<string, JsonValue>();
  const signature = present(memberOf(spec, "signature"), "signature");
  const publicKey = present(memberOf(signature, "publicKey"), "signature.publicKey");
  return {
    publicKey: pemText(bytesOf(publicKey, "content")),
    signature: bytesOf(signature, "content"),
    payloadHash: () => payloadHash(spec),
  };
}

function payloadHash(spec: ReadonlyMap<string, JsonValue>): string {
  const data = present(memberOf(spec, "data"), "data");
  const hash = present(memberOf(data, "hash"), "data.hash");
  const algorithm = present(textOf(hash, "algorithm"), "data.hash.algorithm");
  if (algorithm !== "sha256") {
    throw bad(`Unexpected "data.hash.algorithm" value ${goQuote(algorithm)}`);
  }
  const value = present(textOf(hash, "value"), "data.hash.value");
  if (/^(?:[0-9a-fA-F]{2})*$/.test(value)) return value.toLowerCase();
  throw bad(`Invalid "data.hash.value" field in hashedrekord: encoding/hex: invalid byte`);
}

function document(body: Uint8Array): ReadonlyMap<string, JsonValue> {
  try {
    const value = parseStrictJson(body, { maxDepth });
    if (value instanceof Map) return value;
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(`decoding the body of a Rekor SET payload: ${error.message}`);
  }
  throw bad("decoding the body of a Rekor SET payload: it is no JSON object");
}

function memberOf(
  object: ReadonlyMap<string, JsonValue>,
  name: string,
): ReadonlyMap<string, JsonValue> | undefined {
  const value = object.get(name);
  if (value === undefined || value === null || value instanceof Map) return value ?? undefined;
  throw mistyped(name);
}

function textOf(object: ReadonlyMap<string, JsonValue>, name: string): string | undefined {
  const value = object.get(name);
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  throw mistyped(name);
}

function bytesOf(object: ReadonlyMap<string, JsonValue>, name: string): Uint8Array {
  try {
    return decodeGoBase64(textOf(object, name) ?? "");
  } catch (error) {
    if (!(error instanceof KnownError) || error instanceof SignatureError) throw error;
    throw bad(`decoding hashedrekod spec: ${error.message}`);
  }
}

function mistyped(name: string): SignatureError {
  return bad(`decoding hashedrekod spec: "${name}" is of another type`);
}

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw bad(`Missing "${name}" field in hashedrekord`);
  return value;
}

function bad(message: string): SignatureError {
  return new SignatureError("signature.bad-log-entry", message);
}
