import { KnownError } from "../../src/core/errors.ts";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { type JsonValue, parseStrictJson } from "../../src/core/strict-json.ts";
import { SignatureError } from "../errors.ts";
import { decodePem, pemText } from "./pem.ts";

type Path = readonly (string | number)[];

/** Where each kind of entry keeps whoever signed: a PEM block in base64, or in Rekor 2 bare DER in base64. */
const places: Readonly<Record<string, readonly { readonly path: Path; readonly pem: boolean }[]>> =
  {
    "hashedrekord 0.0.1": [{ path: ["spec", "signature", "publicKey", "content"], pem: true }],
    "dsse 0.0.1": [{ path: ["spec", "signatures", 0, "verifier"], pem: true }],
    "intoto 0.0.2": [
      { path: ["spec", "content", "envelope", "signatures", 0, "publicKey"], pem: true },
    ],
    "hashedrekord 0.0.2": inRekor2("hashedRekordV002", "signature"),
    "dsse 0.0.2": inRekor2("dsseV002", "signatures", 0),
  };

function inRekor2(version: string, ...path: Path) {
  const verifier: Path = ["spec", version, ...path, "verifier"];
  return [
    { path: [...verifier, "x509Certificate", "rawBytes"], pem: false },
    { path: [...verifier, "publicKey", "rawBytes"], pem: false },
  ];
}

const maxDepth = 100;

/**
 * Who signed, according to the body of a log's entry: the DER of a certificate or of a public key. `@sigstore/verify`
 * compares signature and digest with the entry, and not this.
 *
 * @throws {SignatureError} `signature.bad-log-entry`
 */
export function signerInLog(body: Uint8Array): Uint8Array {
  try {
    return findSigner(parseStrictJson(body, { maxDepth }));
  } catch (error) {
    if (!(error instanceof KnownError) || error instanceof SignatureError) throw error;
    throw bad(`The log entry cannot be read: ${error.message}`);
  }
}

function findSigner(entry: JsonValue): Uint8Array {
  const [name, version] = [at(entry, ["kind"]), at(entry, ["apiVersion"])];
  if (typeof name !== "string" || typeof version !== "string") {
    throw bad("The log entry is of no kind");
  }
  const kind = `${name} ${version}`;
  for (const { path, pem } of Object.hasOwn(places, kind) ? (places[kind] ?? []) : []) {
    const text = at(entry, path);
    if (typeof text !== "string") continue;
    const bytes = decodeGoBase64(text);
    const der = pem ? decodePem(pemText(bytes))?.bytes : bytes;
    if (der) return der;
  }
  throw bad(`The log entry, a ${kind}, does not say who signed`);
}

function at(value: JsonValue, path: Path): JsonValue | undefined {
  let found: JsonValue | undefined = value;
  for (const step of path) {
    if (found instanceof Map && typeof step === "string") found = found.get(step);
    else if (Array.isArray(found) && typeof step === "number") found = found[step];
    else return undefined;
  }
  return found;
}

function bad(message: string): SignatureError {
  return new SignatureError("signature.bad-log-entry", message);
}
