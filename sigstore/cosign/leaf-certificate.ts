import type { KeyObject } from "node:crypto";
import { SignatureError } from "../errors.ts";
import type { Certificate } from "./certificate.ts";
import { type CertificatePool, verifyChain } from "./certificate-chain.ts";
import { parseCertificates } from "./certificate-pem.ts";

/** A signer's certificate that leads to a root. */
export interface VerifiedLeaf {
  readonly certificate: Certificate;
  readonly publicKey: KeyObject;
  /** When the first certificate of its chain ends. */
  readonly validUntil: Date;
}

/**
 * The one certificate of a signature. @throws {SignatureError} `signature.bad-certificate` unless there is exactly one
 */
export function parseLeaf(pem: string): Certificate {
  const found = prefixed("parsing leaf certificate: ", () => parseCertificates(pem));
  const [leaf, ...others] = found;
  if (!leaf) throw bad("no certificate found in signature certificate data");
  if (others.length > 0) {
    throw bad("unexpected multiple certificates present in signature certificate data");
  }
  return leaf;
}

/** What a signature brings along to lead to a root: all but the last, which would be that root. */
export function parseIntermediates(pem: string | undefined): readonly Certificate[] {
  if (pem === undefined || pem === "") return [];
  return prefixed("loading certificate chain: ", () => parseCertificates(pem)).slice(0, -1);
}

/** @throws {SignatureError} `signature.bad-certificate`, unless `leaf` may sign code at `at` */
export function verifyLeaf(leaf: Certificate, pool: CertificatePool, at: Date): VerifiedLeaf {
  const { chain, ...result } = verifyChain(leaf, pool, at);
  if (!chain) {
    const failure = "failure" in result ? result.failure : "";
    // The reference's own spelling.
    throw bad(`veryfing leaf certificate failed: ${failure}`);
  }
  if (!leaf.publicKey) throw bad("the certificate's public key is of an unsupported kind");
  const ends = chain.map(({ notAfter }) => notAfter.getTime());
  return {
    certificate: leaf,
    publicKey: leaf.publicKey,
    validUntil: new Date(Math.min(...ends)),
  };
}

function prefixed<T>(prefix: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw new SignatureError(error.code, prefix + error.message, { cause: error });
  }
}

function bad(message: string): SignatureError {
  return new SignatureError("signature.bad-certificate", message);
}
