import { annotationKeys, signatureMediaType } from "../../../sigstore/cosign/attachment.ts";
import { formatEnvelope } from "../../../sigstore/envelope.ts";
import { maxSignatureBytes } from "../../../sigstore/lookaside/layout.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { parseSignedMessage } from "../../../sigstore/simple-signing/openpgp/message.ts";
import { KnownError } from "../../core/errors.ts";

/**
 * How an OpenPGP message may begin for every client to take it for one: the reference refuses 0x93, which we would read, and
 * one that a client refuses makes the image unpullable — `specs/signing.md` 2.2, 3.2.
 */
const starts: readonly number[] = [
  0xa0, 0xa1, 0xa2, 0xa3, 0xc8, 0x90, 0x91, 0x92, 0xc4, 0x88, 0x89, 0x8a, 0x8b, 0xc2,
];

/**
 * Why a signature may not be given out; undefined where it may. It is looked at for its form alone: who made it and what it
 * says is judged by whoever reads it.
 */
export function faultOf(signature: UntrustedSignature): string | undefined {
  if (formatEnvelope(signature).byteLength > maxSignatureBytes) {
    return `larger than ${maxSignatureBytes} bytes`;
  }
  return signature.format === "sigstore" ? sigstoreFault(signature) : openPgpFault(signature.bytes);
}

function sigstoreFault({
  mediaType,
  annotations,
}: Extract<UntrustedSignature, { format: "sigstore" }>): string | undefined {
  if (mediaType !== signatureMediaType) return `of media type ${JSON.stringify(mediaType)}`;
  return annotations[annotationKeys.signature] ? undefined : "without a signature in it";
}

function openPgpFault(bytes: Uint8Array): string | undefined {
  const [first] = bytes;
  if (first === undefined) return "empty";
  if (!starts.includes(first)) {
    return `of an unknown format that begins with 0x${first.toString(16).padStart(2, "0")}`;
  }
  try {
    parseSignedMessage(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof KnownError) return `no signed OpenPGP message (${error.message})`;
    throw error;
  }
}
