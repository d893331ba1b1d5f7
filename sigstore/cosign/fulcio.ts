import { goQuote } from "../../src/core/go-quote.ts";
import { SignatureError } from "../errors.ts";
import type { Certificate } from "./certificate.ts";
import { DerError, DerReader, derTags } from "./der.ts";

const issuerOids = { v1: "1.3.6.1.4.1.57264.1.1", v2: "1.3.6.1.4.1.57264.1.8" } as const;

/**
 * Who told Fulcio the identity of a certificate's holder: the OIDC issuer, in either of its two extensions or the same
 * in both — `specs` signing.md 4.5.
 *
 * @throws {SignatureError} `signature.bad-certificate`
 */
export function oidcIssuerOf({ extensions }: Certificate): string {
  const first = extensions.get(issuerOids.v1);
  const second = extensions.get(issuerOids.v2);
  const v1 = first && Buffer.from(first).toString();
  const v2 = second && parseText(second);
  if (v1 !== undefined && v2 !== undefined && v1 !== v2) {
    throw bad(`inconsistent OIDC issuer extension values: v1 ${goQuote(v1)}, v2 ${goQuote(v2)}`);
  }
  const issuer = v2 ?? v1;
  if (issuer === undefined) throw bad("Fulcio certificate is missing the issuer extension");
  return issuer;
}

function parseText(value: Uint8Array): string {
  try {
    const reader = new DerReader(value);
    const text = readText(reader);
    if (!reader.atEnd) throw bad("invalid ASN.1 in OIDC issuer v2 extension, trailing data");
    return text;
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw bad(`invalid ASN.1 in OIDC issuer v2 extension: ${error.message}`);
  }
}

/** Go takes any of these for a string. */
function readText(reader: DerReader): string {
  const { tag, content } = reader.read();
  const { utf8String, printableString, ia5String } = derTags;
  if (tag === utf8String) return Buffer.from(content).toString();
  if (tag === printableString || tag === ia5String) return Buffer.from(content).toString("latin1");
  throw new DerError("it is not a string");
}

function bad(message: string): SignatureError {
  return new SignatureError("signature.bad-certificate", message);
}
