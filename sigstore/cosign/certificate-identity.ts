import { SignatureError } from "../errors.ts";
import type { Certificate } from "./certificate.ts";
import { oidcIssuerOf } from "./fulcio.ts";
import type { WholePattern } from "./whole-pattern.ts";

/**
 * Who may have signed, as Fulcio's certificates name them: the OIDC issuer, and one name of the holder. Texts are compared
 * exactly.
 */
export interface CertificateIdentity {
  readonly issuer: string | WholePattern;
  readonly subject:
    | { readonly email: string }
    | { readonly uri: string }
    /** Of an e-mail or a URI. */
    | { readonly pattern: WholePattern };
}

/**
 * The name that one of `identities` knows the holder of `certificate` by: `ann@example.com (https://accounts.example.com)`.
 *
 * @throws {SignatureError} `signature.bad-certificate` where none does
 */
export function matchIdentity(
  certificate: Certificate,
  identities: readonly CertificateIdentity[],
): string {
  const issuer = oidcIssuerOf(certificate);
  const { emails, uris } = certificate.altNames;
  for (const identity of identities) {
    if (!fits(issuer, identity.issuer)) continue;
    const name = nameFor(identity, emails, uris);
    if (name !== undefined) return `${name} (${issuer})`;
  }
  const found = [...emails, ...uris].map((name) => JSON.stringify(name)).join(", ");
  throw new SignatureError(
    "signature.bad-certificate",
    `No identity is accepted of ${found || "a nameless certificate"}, known to ${JSON.stringify(issuer)}`,
  );
}

function nameFor(
  { subject }: CertificateIdentity,
  emails: readonly string[],
  uris: readonly string[],
): string | undefined {
  if ("email" in subject) return emails.find((email) => email === subject.email);
  if ("uri" in subject) return uris.find((uri) => uri === subject.uri);
  return [...emails, ...uris].find((name) => fits(name, subject.pattern));
}

function fits(text: string, wanted: string | WholePattern): boolean {
  if (typeof wanted === "string") return text === wanted && text !== "";
  return wanted.fits(text);
}
