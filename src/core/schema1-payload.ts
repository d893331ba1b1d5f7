import { ContentError } from "./errors.ts";
import { goText } from "./go-scalars.ts";
import { always, goList, goStruct } from "./go-struct.ts";
import { readAs } from "./go-type.ts";
import { type JsonNode, JsonNumber, JsonObject, parseJsonText } from "./json-text.ts";
import { decodeUtf8 } from "./utf8.ts";

// A signed schema 1 manifest is its payload with a member "signatures" put in before the closing brace. Each signature
// says in its protected header how to get the payload back: the document's first `formatLength` bytes, then `formatTail`.

const signatureBlocks = goList(
  goStruct("libtrust.jsParsedSignature", { protected: always(goText) }),
);

/**
 * What the signatures of a signed schema 1 manifest sign, and what its digest is made of. The signatures themselves are
 * not checked, but what they are said to sign must be the document without them, and nothing else.
 *
 * @throws {ContentError} `content.bad-manifest`, with libtrust's texts
 */
export function schema1Payload(bytes: Uint8Array): Uint8Array {
  const document = parseJsonText(decodeUtf8(bytes), { maxDepth: 1000 });
  const [first, ...others] = signatureHeaders(document).map(parseHeader);
  if (first === undefined) throw bad("schema 1 manifest has no signatures");
  if (others.some(({ length }) => length !== first.length)) throw bad("conflicting format length");
  if (others.some(({ tail }) => !tail.equals(first.tail))) throw bad("conflicting format tail");
  if (first.length < 1 || first.length > bytes.length) throw bad("invalid format length");
  const payload = Buffer.concat([bytes.subarray(0, first.length), first.tail]);
  if (!isWithoutSignatures(payload, document)) {
    throw bad("schema 1 manifest differs from what its signatures sign");
  }
  return payload;
}

function signatureHeaders(document: JsonNode): readonly string[] {
  const signatures = memberOf(document, "signatures");
  if (signatures === undefined) throw bad("missing signature key");
  return inContext("error unmarshalling signatures", () =>
    (readAs(signatureBlocks, signatures, "content.bad-manifest") ?? []).map(
      (block) => block.protected,
    ),
  );
}

function parseHeader(text: string): { readonly length: number; readonly tail: Buffer } {
  const json = decodeUtf8(fromBase64url(text, "base64 decode error"));
  const header = inContext("error unmarshalling protected header", () =>
    parseJsonText(json, { maxDepth: 32 }),
  );
  const length = memberOf(header, "formatLength");
  if (!(length instanceof JsonNumber)) throw bad("missing formatted length");
  const tail = memberOf(header, "formatTail");
  if (typeof tail !== "string") throw bad("missing formatted tail");
  return {
    length: Math.trunc(Number(length.text)),
    tail: fromBase64url(tail, "base64 decode error on tail"),
  };
}

function memberOf(node: JsonNode, name: string): JsonNode | undefined {
  if (!(node instanceof JsonObject)) return undefined;
  return node.members.findLast((member) => member.name === name)?.value;
}

function fromBase64url(text: string, failure: string): Buffer {
  const wellFormed = /^[A-Za-z0-9_-]*$/.test(text) && text.length % 4 !== 1;
  if (!wellFormed) throw bad(`${failure}: illegal base64url string`);
  return Buffer.from(text, "base64url");
}

/** Otherwise a digest could vouch for a payload of which the document to be read says something else. */
function isWithoutSignatures(payload: Uint8Array, document: JsonNode): boolean {
  const signed = parseJsonText(decodeUtf8(payload), { maxDepth: 1000 });
  if (!(signed instanceof JsonObject && document instanceof JsonObject)) return false;
  const members = document.members.filter(({ name }) => name !== "signatures");
  return (
    members.length === signed.members.length &&
    members.every(({ name, raw }, index) => {
      const other = signed.members[index];
      return other?.name === name && other.raw === raw;
    })
  );
}

function inContext<T>(context: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof ContentError ? bad(`${context}: ${error.message}`) : error;
  }
}

function bad(message: string): ContentError {
  return new ContentError("content.bad-manifest", message);
}
