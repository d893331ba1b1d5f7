import { hash, type KeyObject } from "node:crypto";
import { KnownError } from "../../src/core/errors.ts";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { goQuote } from "../../src/core/go-quote.ts";
import { type JsonNode, JsonNumber, parseJsonText } from "../../src/core/json-text.ts";
import { badMember, cannotUnmarshal, readExactMembers } from "../../src/core/strict-members.ts";
import { readBytes, readString } from "../../src/core/strict-values.ts";
import { SignatureError } from "../errors.ts";
import { canonicalJson } from "./canonical-json.ts";
import { parseHashedRekord } from "./hashed-rekord.ts";
import { decodePem } from "./pem.ts";
import { isSigned } from "./public-key.ts";

/** What an entry of the log must be about. */
export interface LoggedSignature {
  readonly payload: Uint8Array;
  /** Base64, as in the annotation. */
  readonly signature: string;
  /** The public key, PKIX, or the certificate, in PEM. */
  readonly keyOrCertificate: string;
}

const maxDepth = 1_000;

// set     = { "SignedEntryTimestamp": base64, "Payload": payload }
// payload = { "body": base64 of a hashedrekord, "integratedTime": seconds, "logIndex": integer, "logID": text }

/**
 * Verifies Rekor's promise, without asking Rekor, that exactly this signature is in its log: signed by one of `keys` over
 * the canonical form of what it says (`specs` signing.md 4.4).
 *
 * @returns when it was logged
 * @throws {SignatureError} `signature.bad-log-entry`, in the reference's words
 */
export function verifyRekorSet(
  set: string,
  keys: readonly KeyObject[],
  logged: LoggedSignature,
): Date {
  const { SignedEntryTimestamp: signature, Payload: untrusted } = orFail("", () =>
    readExactMembers(parseJsonText(set, { maxDepth }), {
      SignedEntryTimestamp: readBytes,
      Payload: (node) => node,
    }),
  );
  const canonical = orFail("canonicalizing Rekor SET JSON: ", () => canonicalJson(untrusted));
  const isPromised = keys.some((key) =>
    isSigned("sha256", key, Buffer.from(canonical), signature ?? new Uint8Array()),
  );
  if (!isPromised) throw bad("cryptographic signature verification of Rekor SET failed");
  const { body, integratedTime } = orFail("parsing Rekor SET payload: ", () =>
    readExactMembers(parseJsonText(canonical, { maxDepth }), {
      body: readBytes,
      integratedTime: readInt64,
      logIndex: readInt64,
      logID: readString,
    }),
  );
  matchLogEntry(body ?? new Uint8Array(), logged);
  return new Date(Number(integratedTime) * 1000);
}

/**
 * Makes sure that what is in the log is exactly this signature.
 *
 * @throws {SignatureError} `signature.bad-log-entry`, in the reference's words
 */
export function matchLogEntry(body: Uint8Array, logged: LoggedSignature): void {
  const entry = parseHashedRekord(body);
  const key = wholePem(entry.publicKey, "publicKey in Rekor SET");
  const wanted = wholePem(
    logged.keyOrCertificate,
    "public key or cert to be matched against publicKey in Rekor SET",
  );
  if (!key.equals(wanted)) throw bad("publicKey in Rekor SET does not match");
  const signature = orFail("decoding signature base64: ", () => decodeGoBase64(logged.signature));
  if (Buffer.compare(entry.signature, signature) !== 0) {
    const shown = [entry.signature, signature].map((bytes) =>
      goQuote(Buffer.from(bytes).toString("latin1")),
    );
    throw bad(`signature in Rekor SET does not match: ${shown[0]} vs. ${shown[1]}`);
  }
  if (entry.payloadHash() !== hash("sha256", logged.payload)) {
    throw bad("payload in Rekor SET does not match");
  }
}

/** The one block of `text`, of which type does not matter. */
function wholePem(text: string, what: string): Buffer {
  const block = decodePem(text);
  if (!block) throw bad(`${what} is not in PEM format`);
  if (block.rest !== "") throw bad(`${what} has trailing data`);
  return block.bytes;
}

/** An integer as RFC 8785 writes it, which is exact below 2^53 only: a greater one has been rounded already. */
function readInt64(node: JsonNode): bigint {
  if (!(node instanceof JsonNumber)) throw cannotUnmarshal(node, "int64");
  const whole = /^-?\d{1,19}$/.test(node.text) ? BigInt(node.text) : undefined;
  if (whole === undefined || BigInt.asIntN(64, whole) !== whole) {
    throw badMember(`json: cannot unmarshal number ${node.text} into Go value of type int64`);
  }
  return whole;
}

function orFail<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw new SignatureError("signature.bad-log-entry", prefix + error.message, { cause: error });
  }
}

function bad(message: string): SignatureError {
  return new SignatureError("signature.bad-log-entry", message);
}
