import assert from "node:assert/strict";
import { verifyBundle } from "../../../sigstore/cosign/bundle.ts";
import { prepareBundleTrust } from "../../../sigstore/cosign/bundle-trust.ts";
import type { CertificateIdentity } from "../../../sigstore/cosign/certificate-identity.ts";
import type { BundleTrust } from "../../../sigstore/verifiers.ts";
import { digestOf } from "../../../src/core/digest.ts";
import {
  type BundleOptions,
  makeBundle,
  makeTrustedRoot,
  type RootOptions,
  statementOf,
} from "../../support/bundle.ts";
import {
  altNames,
  type CertificateOptions,
  extKeyUsage,
  issuerV2,
  keyUsage,
  makeCa,
  makeCertificate,
  testKey,
  testTime,
  usages,
} from "../../support/certificates.ts";

/** The image that the bundles of these tests sign. */
export const manifestDigest = digestOf(Buffer.from("a manifest"));
export const hex = manifestDigest.slice(7);
export const statement = statementOf(hex);
export const signer = testKey("p256");
export const other = testKey("p256");

/** Who is in the certificates of {@link leaf}, and who made them. */
export const issuer = "https://accounts.example.com";
export const email = "ann@example.com";
export const uri = "https://ci.example.com/ns/repo/.workflow@refs/heads/main";
export const root = makeCa();
export const middle = makeCa({ subject: "middle", issuer: root });
export const stampRoot = makeCa({ subject: "stamps" });
export const stamps = makeCertificate({
  subject: "stamper",
  issuer: stampRoot,
  extensions: [extKeyUsage(usages.timeStamping)],
});

/** Trust in keys, without a log. */
export function keys(...files: readonly { readonly pem: string }[]): BundleTrust {
  return { signers: { type: "keys", keys: files.map(({ pem }) => Buffer.from(pem)) } };
}

/** Trust in holders of certificates of {@link middle}. */
export function identities(
  all: readonly CertificateIdentity[],
  options: RootOptions = {},
): BundleTrust {
  return {
    signers: { type: "certificates", identities: all },
    trustedRoot: makeTrustedRoot({ authorities: [[middle, root]], ...options }),
  };
}

export const byEmail = identities([{ issuer, subject: { email } }]);

/** A certificate of {@link email} for the key {@link signer}. */
export function leaf(options: CertificateOptions = {}) {
  return makeCertificate({
    issuer: middle,
    key: signer,
    extensions: [
      altNames([{ email }]),
      extKeyUsage(usages.codeSigning),
      issuerV2(issuer),
      keyUsage(0),
    ],
    ...options,
  });
}

/** A bundle signed with {@link signer}, in no log. */
export function keyBundle(options: Partial<BundleOptions> = {}): Buffer {
  return makeBundle({ statement, signer, log: false, ...options });
}

/** A bundle signed with {@link leaf}, an hour ago by the log. */
export function certBundle(options: Partial<BundleOptions> = {}): Buffer {
  return makeBundle({ statement, signer, certificate: leaf(), ...options });
}

/** Verifies at {@link testTime}. */
export async function verify(bytes: Uint8Array, trust: BundleTrust, now = testTime) {
  const prepared = await prepareBundleTrust(trust);
  return verifyBundle(bytes, prepared, { manifestDigest, now });
}

/** Fails unless verifying ends with this code. */
export async function refuses(code: string, bytes: Uint8Array, trust: BundleTrust, why = "") {
  await assert.rejects(verify(bytes, trust), { code: `signature.${code}` }, why);
}
