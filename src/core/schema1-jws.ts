import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { ContentError } from "./errors.ts";
import { goAny, goInt, goText } from "./go-scalars.ts";
import { goList, goStruct } from "./go-struct.ts";
import { readAs } from "./go-type.ts";
import { JsonObject, parseJsonText } from "./json-text.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

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
  const tail = fromBase64url(first.tail);
  const payload = Buffer.concat([bytes.subarray(0, first.length), tail]);
  if (!isWithoutSignatures(payload, document)) {
    throw bad("schema 1 manifest differs from what its signatures sign");
  }
  return payload;
}

/**
 * Signs a compact schema 1 manifest with a key that is thrown away, because registries want a signature and nobody looks
 * at it.
 *
 * @param signedAt an RFC 3339 time, to be written into the signature
 */
export function signSchema1(payload: string, signedAt: string): Uint8Array {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bytes = encodeUtf8(payload);
  const header = { formatLength: bytes.length - 1, formatTail: base64url("}"), time: signedAt };
  const protectedHeader = base64url(JSON.stringify(header));
  const signature = sign("sha256", Buffer.from(`${protectedHeader}.${base64url(bytes)}`), {
    key: privateKey,
    dsaEncoding: "ieee-p1363",
  });
  const block = {
    header: { jwk: publicJwk(publicKey), alg: "ES256" },
    signature: base64url(signature),
    protected: protectedHeader,
  };
  return encodeUtf8(`${payload.slice(0, -1)},"signatures":[${JSON.stringify(block)}]}`);
}

function publicJwk(key: KeyObject): object {
  const { crv, kty, x, y } = key.export({ format: "jwk" });
  return { crv, kid: keyId(key), kty, x, y };
}

/** libtrust's name of a key: 30 bytes of the hash of its DER form, in base32, four characters a group. */
function keyId(key: KeyObject): string {
  const der = key.export({ format: "der", type: "spki" });
  const hash = createHash("sha256").update(der).digest().subarray(0, 30);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = Array.from(hash, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const text = bits.replace(/.{5}/g, (five) => alphabet[Number.parseInt(five, 2)] ?? "");
  return text.replace(/.{4}(?=.)/g, "$&:");
}

function fromBase64url(text: string): Uint8Array {
  if (/^[A-Za-z0-9_-]*={0,2}$/.test(text)) return Buffer.from(text, "base64url");
  throw bad("base64 decode error: illegal base64url string");
}

function base64url(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString("base64url");
}

function parseHeader(text: string): { readonly length: number; readonly tail: string } {
  const node = parseJsonText(decodeUtf8(fromBase64url(text)), { maxDepth: 32 });
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
