import type { KeyObject } from "node:crypto";
import { SignatureError } from "../errors.ts";
import type { SigstoreTrust } from "../verifiers.ts";
import type { CertificatePool } from "./certificate-chain.ts";
import { parseCertificates, parseRoots } from "./certificate-pem.ts";
import { pemText } from "./pem.ts";
import { parsePublicKeyPem } from "./public-key.ts";

/** A {@link SigstoreTrust} whose keys and certificates are read. */
export type PreparedTrust =
  | {
      readonly type: "keys";
      readonly keys: readonly KeyObject[];
      /** Absent where no log is asked. */
      readonly rekorKeys?: readonly KeyObject[];
    }
  | {
      readonly type: "fulcio";
      readonly pool: CertificatePool;
      readonly oidcIssuer: string;
      readonly subjectEmail: string;
      readonly rekorKeys: readonly KeyObject[];
    }
  | {
      readonly type: "pki";
      readonly pool: CertificatePool;
      readonly subjectEmail?: string;
      readonly subjectHostname?: string;
    };

/**
 * Reads whatever a requirement trusts. One key that cannot be read spoils all: its owner should learn of it before it is
 * needed.
 *
 * @throws {SignatureError} `signature.bad-trust`, in the reference's words
 */
export function prepareTrust({ identity, rekorKeys }: SigstoreTrust): PreparedTrust {
  switch (identity.type) {
    case "keys": {
      const keys = parseKeys(identity.keys, "public key");
      if (keys.length === 0) throw bad("no public keys are given");
      const logs = rekorKeys && parseRekorKeys(rekorKeys);
      return { type: "keys", keys, ...(logs && { rekorKeys: logs }) };
    }
    case "fulcio": {
      const { ca, oidcIssuer, subjectEmail } = identity;
      const roots = parseRoots(ca, "error loading Fulcio CA certificates");
      if (oidcIssuer === "" || subjectEmail === "") throw bad("no OIDC issuer or e-mail is given");
      if (!rekorKeys) throw bad("Fulcio CA specified without a Rekor public key");
      const pool = { roots, intermediates: [] };
      return {
        type: "fulcio",
        pool,
        oidcIssuer,
        subjectEmail,
        rekorKeys: parseRekorKeys(rekorKeys),
      };
    }
    case "pki":
      if (rekorKeys) throw bad("PKI specified with a Rekor public key");
      return preparePki(identity);
  }
}

function preparePki(identity: Extract<SigstoreTrust["identity"], { type: "pki" }>): PreparedTrust {
  const { caRoots, caIntermediates, subjectEmail = "", subjectHostname = "" } = identity;
  const roots = parseRoots(caRoots, "error loading PKI CA Roots certificates");
  const intermediates = caIntermediates
    ? prefixed("loading trusted intermediate certificates: ", () =>
        parseCertificates(pemText(caIntermediates)),
      )
    : [];
  if (subjectEmail === "" && subjectHostname === "") throw bad("no e-mail or hostname is given");
  return {
    type: "pki",
    pool: { roots, intermediates },
    ...(subjectEmail !== "" && { subjectEmail }),
    ...(subjectHostname !== "" && { subjectHostname }),
  };
}

function parseRekorKeys(files: readonly Uint8Array[]): readonly KeyObject[] {
  const keys = parseKeys(files, "Rekor public key");
  const other = keys.findIndex(({ asymmetricKeyType }) => asymmetricKeyType !== "ec");
  if (other >= 0) throw bad(`Rekor public key ${other + 1} is not using ECDSA`);
  if (keys.length === 0) throw bad("no Rekor public keys are given");
  return keys;
}

function parseKeys(files: readonly Uint8Array[], what: string): readonly KeyObject[] {
  return files.map((file, index) =>
    prefixed(`parsing ${what} ${index + 1}: `, () => parsePublicKeyPem(file)),
  );
}

function prefixed<T>(prefix: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw bad(prefix + error.message, error);
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.bad-trust", message, { cause });
}
