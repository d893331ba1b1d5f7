import { type Digest, isDigest } from "../../src/core/digest.ts";
import { KnownError } from "../../src/core/errors.ts";
import { type JsonValue, parseStrictJson } from "../../src/core/strict-json.ts";
import { SignatureError } from "../errors.ts";

const statementType = "https://in-toto.io/Statement/v1";

/** What a statement must be to be a signature; a provenance or an SBOM by the same key is none. */
export const signPredicateType = "https://sigstore.dev/cosign/sign/v1";

const maxDepth = 100;

/**
 * The manifest that an in-toto statement signs. cosign itself takes any statement on a subject for a signature
 * (`specs/signing.md` 4.8): here it is one of cosign's `sign` predicate, about one digest.
 *
 * @throws {SignatureError} `signature.bad-payload`
 */
export function parseSignStatement(payload: Uint8Array): Digest {
  const statement = objectOf(parsed(payload), "The statement");
  if (statement.get("_type") !== statementType) throw bad("Unexpected type of in-toto statement");
  const predicate = statement.get("predicateType");
  if (predicate !== signPredicateType) {
    throw bad(`The bundle is no signature: its predicate is ${JSON.stringify(predicate)}`);
  }
  const subjects = statement.get("subject");
  const [subject] = Array.isArray(subjects) && subjects.length === 1 ? subjects : [];
  if (subject === undefined) throw bad("The statement is not about exactly one subject");
  const digests = objectOf(objectOf(subject, "The subject").get("digest"), "The digest");
  const hex = digests.get("sha256");
  const digest = typeof hex === "string" ? `sha256:${hex}` : "";
  if (digests.size !== 1 || !isDigest(digest)) {
    throw bad("The subject does not have exactly one SHA-256 digest");
  }
  return digest;
}

function parsed(payload: Uint8Array): JsonValue {
  try {
    return parseStrictJson(payload, { maxDepth });
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(error.message, error);
  }
}

function objectOf(value: JsonValue | undefined, what: string): ReadonlyMap<string, JsonValue> {
  if (value instanceof Map) return value;
  throw bad(`${what} is no JSON object`);
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.bad-payload", message, { cause });
}
