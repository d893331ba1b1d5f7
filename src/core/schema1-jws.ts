import { ContentError } from "./errors.ts";
import { goAny, goInt, goList, goStruct, goText, readAs } from "./go-struct.ts";
import { JsonObject, parseJsonText } from "./json-text.ts";
import { decodeUtf8 } from "./utf8.ts";

// A signed schema 1 manifest is its payload with a member "signatures" put in before the closing brace. Each signature
// says in its protected header how to get the payload back: the document's first `formatLength` bytes, then `formatTail`.

const jwsManifest = goStruct("JSONSignature", {
  signatures: { type: goAny, omitEmpty: false },
});

const signatureBlocks = goList(
  goStruct("jsParsedSignature", {
    protected: { type: goText, omitEmpty: false },
  }),
);

const protectedHeader = goStruct("protected", {
  formatLength: { type: goInt, omitEmpty: false },
  formatTail: { type: goText, omitEmpty: false },
});

/**
 * What the signatures of a signed schema 1 manifest sign, and what its digest is made of. The signatures themselves are
 * not checked, but what they are said to sign must be the document without them, and nothing else.
 *
 * @throws {ContentError} `content.bad-manifest`
 */
export function schema1Payload(bytes: Uint8Array): Uint8Array {
  const document = parseJsonText(decodeUtf8(bytes), { maxDepth: 1000 });
  const { signatures } = readAs(jwsManifest, document, "content.bad-manifest");
  const blocks = readAs(signatureBlocks, signatures, "content.bad-manifest") ?? [];
  const [first, ...others] = blocks.map((block) => parseHeader(block.protected));
  if (first === undefined) throw bad("schema 1 manifest has no signatures");
  if (others.some(({ length }) => length !== first.length)) throw bad("conflicting format length");
  if (others.some(({ tail }) => tail !== first.tail)) throw bad("conflicting format tail");
  if (first.length < 1 || first.length > bytes.length) throw bad("invalid format length");
  const tail = Buffer.from(first.tail, "base64url");
  const payload = Buffer.concat([bytes.subarray(0, first.length), tail]);
  if (!isWithoutSignatures(payload, document)) {
    throw bad("schema 1 manifest differs from what its signatures sign");
  }
  return payload;
}

function parseHeader(text: string): { readonly length: number; readonly tail: string } {
  const decoded = Buffer.from(text, "base64url");
  const node = parseJsonText(decodeUtf8(decoded), { maxDepth: 32 });
  const { formatLength, formatTail } = readAs(protectedHeader, node, "content.bad-manifest");
  return { length: Number(formatLength), tail: formatTail };
}

/** Otherwise a digest could vouch for a payload of which the document to be read says something else. */
function isWithoutSignatures(payload: Uint8Array, document: unknown): boolean {
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

function bad(message: string): ContentError {
  return new ContentError("content.bad-manifest", message);
}
