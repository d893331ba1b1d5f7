import { SignatureError } from "../errors.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { decodePem, pemText } from "./pem.ts";

/** Longer chains than anybody has: each certificate costs a parse. */
const maxCertificates = 100;

/**
 * Every certificate in `text`, and nothing but certificates, whatever the blocks call themselves.
 *
 * @throws {SignatureError} `signature.bad-certificate`
 */
export function parseCertificates(text: string): readonly Certificate[] {
  const found: Certificate[] = [];
  let rest = trimSpace(text);
  while (rest !== "") {
    const block = decodePem(rest);
    if (!block) throw bad("error during PEM decoding");
    if (found.length === maxCertificates) throw bad(`more than ${maxCertificates} certificates`);
    found.push(parseCertificate(block.bytes));
    rest = block.rest;
  }
  return found;
}

/**
 * The certificates in a file of roots: what is no certificate is passed over, as Go's `AppendCertsFromPEM` does.
 *
 * @throws {SignatureError} `signature.bad-trust` with `emptyMessage` where none is left
 */
export function parseRoots(bytes: Uint8Array, emptyMessage: string): readonly Certificate[] {
  const found: Certificate[] = [];
  let block = decodePem(pemText(bytes));
  while (block) {
    const certificate = block.type === "CERTIFICATE" && !block.hasHeaders && tryParse(block.bytes);
    if (certificate) found.push(certificate);
    block = decodePem(block.rest);
  }
  if (found.length === 0) throw new SignatureError("signature.bad-trust", emptyMessage);
  return found;
}

function tryParse(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (error instanceof SignatureError) return undefined;
    throw error;
  }
}

/** As Go's `bytes.TrimSpace` trims ASCII, and not quadratic. */
function trimSpace(text: string): string {
  let [start, end] = [0, text.length];
  const isSpace = (at: number) => " \t\n\v\f\r".includes(text[at] ?? "x");
  while (start < end && isSpace(start)) start += 1;
  while (end > start && isSpace(end - 1)) end -= 1;
  return text.slice(start, end);
}

function bad(message: string): SignatureError {
  return new SignatureError("signature.bad-certificate", message);
}
