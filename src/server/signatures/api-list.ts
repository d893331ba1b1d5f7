import { parseEnvelope } from "../../../sigstore/envelope.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import { type Digest, isDigest } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";
import type { ServedSignature } from "./union.ts";

// {"signatures": [{"schemaVersion": 2, "name": "<digest>@<32 hex>", "type": "atomic", "content": "<base64 of an OpenPGP message>"}]}
//
// `specs/signing.md` 3.3. PUT takes one such object.

/** The answer's body. What is no OpenPGP message has no place in it, for clients take every entry for one. */
export function formatSignatureList(manifest: Digest, all: readonly ServedSignature[]): string {
  const messages = new Map(
    all.flatMap(({ signature, hash }) =>
      signature.format === "simple-signing" ? [[hash, signature.bytes] as const] : [],
    ),
  );
  const signatures = [...messages].map(([hash, bytes]) => ({
    schemaVersion: 2,
    name: entryName(manifest, hash),
    type: "atomic",
    content: Buffer.from(bytes).toString("base64"),
  }));
  return JSON.stringify({ signatures });
}

function entryName(manifest: Digest, hash: string): string {
  return `${manifest}@${hash.slice(0, 32)}`;
}

/**
 * The OpenPGP message in what a client PUT; how it named it does not matter, as long as it is this manifest's.
 *
 * @throws {SignatureError} `signature.malformed`
 */
export function parseSignatureEntry(body: Uint8Array, manifest: Digest): Uint8Array {
  const entry = parsedObject(body);
  const [version, type] = [entry.get("schemaVersion"), entry.get("type")];
  if (version !== 2) throw bad("schemaVersion is not 2");
  if (type !== "atomic") throw bad(`type is not "atomic"`);
  const name = entry.get("name");
  if (typeof name !== "string" || !belongsTo(manifest, name)) {
    throw bad(`name does not begin with ${manifest}@`);
  }
  const signature = parseEnvelope(base64Bytes(entry.get("content")));
  if (signature.format !== "simple-signing") throw bad("content is no OpenPGP message");
  return signature.bytes;
}

/** Clients begin names with the digest; a name that begins with none tells nothing. */
function belongsTo(manifest: Digest, name: string): boolean {
  const at = name.indexOf("@");
  return at < 0 || !isDigest(name.slice(0, at)) || name.slice(0, at) === manifest;
}

function parsedObject(body: Uint8Array): ReadonlyMap<string, JsonValue> {
  try {
    const document = parseStrictJson(body, { maxDepth: 10 });
    if (document instanceof Map) return document;
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw bad(error.message);
  }
  throw bad("it is no JSON object");
}

function base64Bytes(content: JsonValue | undefined): Uint8Array {
  const isBase64 = typeof content === "string" && /^[A-Za-z0-9+/]+={0,2}$/.test(content);
  if (!isBase64 || content.length % 4 !== 0) throw bad("content is no base64");
  return Buffer.from(content, "base64");
}

function bad(why: string): SignatureError {
  return new SignatureError("signature.malformed", `this is no signature of the API: ${why}`);
}
