import { goQuote } from "../../src/core/go-quote.ts";
import type { Certificate } from "./certificate.ts";
import { extensionOids } from "./certificate.ts";
import { commonNameOf } from "./certificate-name.ts";

/** The certificates that a chain may be made of. */
export interface CertificatePool {
  readonly roots: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
}

/** A chain from a certificate to a root, or why there is none, in the words of Go's crypto/x509. */
export type ChainResult =
  | { readonly chain: readonly Certificate[] }
  | { readonly chain?: undefined; readonly failure: string };

const codeSigning = "1.3.6.1.5.5.7.3.3";
const anyUsage = "2.5.29.37.0";
const certSign = 5;
const maxSignatureChecks = 100;

/**
 * Leads `leaf` to a root, all of it valid at `at` and for signing code, by the rules of Go's `Certificate.Verify`: RFC
 * 5280 § 6 without revocation; extended key usages, where there are some, nest. Constraints on names are not understood:
 * whoever has them issues nothing.
 */
export function verifyChain(
  leaf: Certificate,
  pool: CertificatePool,
  at: Date,
  usage = codeSigning,
): ChainResult {
  const failure = leafFailure(leaf, at);
  if (failure !== undefined) return { failure };
  const isRoot = pool.roots.some(({ raw }) => same(raw, leaf.raw));
  const search = new Search(pool, at);
  const chains = isRoot ? [[leaf]] : search.chainsFrom([leaf]);
  if (chains.length === 0) return { failure: search.failure ?? unknownAuthority };
  const chain = chains.find((candidate) => allowsUsage(candidate, usage));
  if (chain) return { chain };
  return { failure: "x509: certificate specifies an incompatible key usage" };
}

/** A subject alternative name that is critical and of no known kind is for the policy to judge. */
function leafFailure(leaf: Certificate, at: Date): string | undefined {
  if (leaf.unhandled.some((oid) => oid !== extensionOids.altNames)) return unhandled;
  return periodFailure(leaf, at);
}

const unhandled = "x509: unhandled critical extension";

const unknownAuthority = "x509: certificate signed by unknown authority";

/** One search: how many signatures it may still check, and what went wrong. */
class Search {
  readonly #pool: CertificatePool;
  readonly #at: Date;
  #checks = 0;
  failure: string | undefined;

  constructor(pool: CertificatePool, at: Date) {
    this.#pool = pool;
    this.#at = at;
  }

  /** Every chain from the end of `begun` to a root; where there is none, {@link failure} says why. */
  chainsFrom(begun: readonly Certificate[]): (readonly Certificate[])[] {
    const { roots, intermediates } = this.#pool;
    const chains: (readonly Certificate[])[] = [];
    const why: Reasons = { failure: undefined, hint: undefined };
    for (const root of this.#issuersOf(begun, roots)) {
      if (this.#isIssuer(root, begun, true, why)) chains.push([...begun, root]);
    }
    for (const intermediate of this.#issuersOf(begun, intermediates)) {
      if (!this.#isIssuer(intermediate, begun, false, why)) continue;
      const longer = this.chainsFrom([...begun, intermediate]);
      why.failure = longer.length === 0 ? this.failure : undefined;
      chains.push(...longer);
    }
    this.failure = why.failure ?? unknownAuthority + (why.hint ?? "");
    return chains;
  }

  /** Those that bear the name, and are not in the chain already. */
  #issuersOf(begun: readonly Certificate[], candidates: readonly Certificate[]): Certificate[] {
    const name = begun[begun.length - 1]?.issuer ?? new Uint8Array();
    return candidates
      .filter(({ subject }) => same(subject, name))
      .filter((candidate) => !isInChain(candidate, begun));
  }

  #isIssuer(
    parent: Certificate,
    begun: readonly Certificate[],
    isRoot: boolean,
    why: Reasons,
  ): boolean {
    const unsigned = this.#signatureFailure(begun[begun.length - 1], parent);
    const failure = unsigned ?? parentFailure(parent, begun, isRoot, this.#at);
    if (failure === undefined) return true;
    if (unsigned === undefined || unsigned === tooManyChecks) why.failure = failure;
    why.hint ??= hintOf(failure, parent);
    return false;
  }

  #signatureFailure(child: Certificate | undefined, parent: Certificate): string | undefined {
    this.#checks += 1;
    if (child === undefined || this.#checks > maxSignatureChecks) return tooManyChecks;
    return signatureFailure(child, parent);
  }
}

/** Why no issuer was found, as Go tells it: the last that signed and is not valid, or the first that did not fit. */
interface Reasons {
  failure: string | undefined;
  hint: string | undefined;
}

const tooManyChecks =
  "x509: signature check attempts limit reached while verifying certificate chain";

function hintOf(failure: string, parent: Certificate): string {
  const name = commonNameOf(parent.subject) || `serial:${BigInt(`0x${parent.serial || "0"}`)}`;
  const quoted = [failure, name].map((text) => goQuote(text));
  return ` (possibly because of ${quoted[0]} while trying to verify candidate authority certificate ${quoted[1]})`;
}

function signatureFailure(child: Certificate, parent: Certificate): string | undefined {
  const { basicConstraints: basic, publicKey, keyUsage } = parent;
  const mayIssue = basic ? basic.isCa : parent.version !== 3;
  if (!mayIssue || (keyUsage !== undefined && keyUsage.size > 0 && !keyUsage.has(certSign))) {
    return "x509: invalid signature: parent certificate cannot sign this kind of certificate";
  }
  const { algorithm } = child;
  if (!algorithm || !publicKey) return "x509: cannot verify signature: algorithm unimplemented";
  if (algorithm.insecure) {
    return `x509: cannot verify signature: insecure algorithm ${algorithm.name}`;
  }
  if (publicKey.asymmetricKeyType !== algorithm.keyType) {
    return "x509: signature algorithm does not fit the public key";
  }
  return child.isSignedBy(parent) ? undefined : signatureTexts[algorithm.keyType];
}

const signatureTexts = {
  rsa: "crypto/rsa: verification error",
  ec: "x509: ECDSA verification failure",
  ed25519: "x509: Ed25519 verification failure",
} as const;

function parentFailure(
  parent: Certificate,
  begun: readonly Certificate[],
  isRoot: boolean,
  at: Date,
): string | undefined {
  if (parent.unhandled.length > 0) return unhandled;
  const period = periodFailure(parent, at);
  if (period !== undefined) return period;
  const { basicConstraints: basic } = parent;
  if (!isRoot && !basic?.isCa) {
    return "x509: certificate is not authorized to sign other certificates";
  }
  if (basic?.pathLength !== undefined && begun.length - 1 > basic.pathLength) {
    return "x509: too many intermediates for path length constraint";
  }
  return undefined;
}

function periodFailure({ notBefore, notAfter }: Certificate, at: Date): string | undefined {
  const text = (relation: string, limit: Date) =>
    `x509: certificate has expired or is not yet valid: current time ${seconds(at)} is ${relation} ${seconds(limit)}`;
  if (Number.isNaN(at.getTime())) return "x509: certificate has expired or is not yet valid";
  if (at < notBefore) return text("before", notBefore);
  return at > notAfter ? text("after", notAfter) : undefined;
}

function seconds(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** The same name, key and alternative names: mutual cross-signatures must not lead round in circles. */
function isInChain(candidate: Certificate, chain: readonly Certificate[]): boolean {
  const names = (certificate: Certificate) => certificate.extensions.get(extensionOids.altNames);
  return chain.some((certificate) => {
    if (!same(candidate.subject, certificate.subject)) return false;
    if (!same(candidate.spki, certificate.spki)) return false;
    const [a, b] = [names(candidate), names(certificate)];
    return a && b ? same(a, b) : !a && !b;
  });
}

function allowsUsage(chain: readonly Certificate[], usage: string): boolean {
  return chain.every(({ extKeyUsage }) => {
    if (extKeyUsage === undefined || extKeyUsage.length === 0) return true;
    return extKeyUsage.includes(usage) || extKeyUsage.includes(anyUsage);
  });
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
