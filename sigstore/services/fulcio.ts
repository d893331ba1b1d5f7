import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { KnownError } from "../../src/core/errors.ts";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { goQuote } from "../../src/core/go-quote.ts";
import { parseCertificate } from "../cosign/certificate.ts";
import { decodePem, encodePem } from "../cosign/pem.ts";
import { spkiOf } from "../cosign/public-key.ts";
import type { SigningCertificate } from "../cosign/signer.ts";
import { SignatureError } from "../errors.ts";
import type { IdToken } from "./id-token.ts";
import { endpointOf, type ServiceClient } from "./service-client.ts";

/**
 * Asks Fulcio for a certificate that says that the holder of a key is the one whom `token` is about: version 1 of its API, with
 * the token as it is and the subject signed with the key.
 *
 * @throws {SignatureError} `signature.cannot-sign`: `obtaining certificate from Fulcio: …`
 */
export async function obtainCertificate(
  client: ServiceClient,
  url: URL,
  token: IdToken,
  privateKey: KeyObject,
  signal: AbortSignal,
): Promise<SigningCertificate> {
  try {
    return await ask(client, url, token, privateKey, signal);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(`obtaining certificate from Fulcio: ${error.message}`, error);
  }
}

async function ask(
  client: ServiceClient,
  url: URL,
  { text, subject }: IdToken,
  privateKey: KeyObject,
  signal: AbortSignal,
): Promise<SigningCertificate> {
  const key = spkiOf(createPublicKey(privateKey));
  const body = JSON.stringify({
    publicKey: { content: key.toString("base64"), algorithm: "ecdsa" },
    signedEmailAddress: sign("sha256", Buffer.from(subject), privateKey).toString("base64"),
    certificateSigningRequest: null,
  });
  const endpoint = endpointOf(url, "/api/v1/signingCert");
  const headers = { authorization: `Bearer ${text}`, "content-type": "application/json" };
  const answer = await prefixed("client", () =>
    client.send("POST", endpoint, signal, { body, headers }),
  );
  if (answer.status !== 201) {
    throw bad(`POST ${endpoint.href} returned ${answer.statusText}: ${goQuote(answer.text)}`);
  }
  await prefixed("decode", async () => decodeGoBase64(answer.header("sct") ?? ""));
  const block = decodePem(answer.text);
  if (!block) throw bad("did not find a cert from Fulcio");
  const { spki, notAfter } = parseCertificate(block.bytes);
  if (!key.equals(spki)) throw bad("the certificate is for another key");
  return { certificate: encodePem(block.type, block.bytes), chain: block.rest, notAfter };
}

async function prefixed<T>(prefix: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(`${prefix}: ${error.message}`, error);
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.cannot-sign", message, { cause });
}
