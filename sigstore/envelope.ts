import { goString } from "../src/core/go-json.ts";
import { goBytes, goText } from "../src/core/go-scalars.ts";
import { always, goMapOf, goStruct } from "../src/core/go-struct.ts";
import { Reading } from "../src/core/go-type.ts";
import { parseJsonText } from "../src/core/json-text.ts";
import { decodeUtf8, encodeUtf8 } from "../src/core/utf8.ts";
import { SignatureError } from "./errors.ts";
import type { UntrustedSignature } from "./signature.ts";

const sigstoreJson = goStruct("signature.sigstoreJSONRepresentation", {
  mimeType: always(goText),
  payload: always(goBytes),
  annotations: always(goMapOf(goText)),
});

/** First bytes of an OpenPGP message that may be a signature: compressed, one-pass or plain (`specs` signing.md 2.2). */
const openPgpStarts: readonly number[] = [
  0xa0, 0xa1, 0xa2, 0xa3, 0xc8, 0x90, 0x91, 0x92, 0x93, 0xc4, 0x88, 0x89, 0x8a, 0x8b, 0xc2,
];

/**
 * A signature as it is stored outside of registries, in files above all: an OpenPGP message as it is, anything else behind a zero byte, the name of its
 * format and a newline.
 */
export function formatEnvelope(signature: UntrustedSignature): Uint8Array {
  if (signature.format === "simple-signing") return signature.bytes;
  const json = sigstoreJson.write({
    mimeType: signature.mediaType,
    payload: Buffer.from(signature.payload).toString("base64"),
    annotations: new Map(Object.entries(signature.annotations)),
  });
  return Buffer.concat([Buffer.from("\0sigstore-json\n"), encodeUtf8(json)]);
}

/** @throws {SignatureError} `signature.malformed`; {ContentError} `content.bad-json`: in skopeo's words */
export function parseEnvelope(bytes: Uint8Array): UntrustedSignature {
  const [first] = bytes;
  if (first === undefined) throw bad("empty signature blob");
  if (openPgpStarts.includes(first)) return { format: "simple-signing", bytes };
  if (first !== 0) {
    throw bad(`unrecognized signature format, starting with binary 0x${first.toString(16)}`);
  }
  const newline = bytes.indexOf(0x0a);
  if (newline === -1) throw bad("invalid signature format, missing newline");
  const name = parseFormatName(bytes.subarray(1, newline));
  const data = bytes.subarray(newline + 1);
  if (name === "simple-signing") return { format: "simple-signing", bytes: data };
  if (name === "sigstore-json") return parseSigstore(data);
  throw bad(`unrecognized signature format ${goString(name, false)}`);
}

function parseFormatName(bytes: Uint8Array): string {
  const odd = bytes.find((byte) => byte < 0x20 || byte >= 0x7f);
  if (odd !== undefined) {
    throw bad(`invalid signature format, non-ASCII byte 0x${odd.toString(16)}`);
  }
  return Buffer.from(bytes).toString("latin1");
}

function parseSigstore(data: Uint8Array): UntrustedSignature {
  const reading = new Reading();
  const document = parseJsonText(decodeUtf8(data), { maxDepth: 100 });
  const { mimeType, payload, annotations } = sigstoreJson.read(
    document,
    sigstoreJson.zero,
    reading,
  );
  if (reading.failure !== undefined) throw bad(reading.failure);
  return {
    format: "sigstore",
    mediaType: mimeType,
    payload: Buffer.from(payload ?? "", "base64"),
    annotations: Object.fromEntries(annotations ?? []),
  };
}

function bad(message: string): SignatureError {
  return new SignatureError("signature.malformed", message);
}
