import type { SigstoreTrust } from "../../../../sigstore/verifiers.ts";
import {
  type AltName,
  altNames,
  type CertificateOptions,
  daysOn,
  extKeyUsage,
  makeCa,
  makeCertificate,
  type TestCertificate,
  usages,
} from "../../../support/certificates.ts";
import { signer, type VerifyCase } from "./case.ts";
import { certified } from "./fulcio.ts";

const email = "ann@example.com";
const host = "signer.example.com";
const root = makeCa({ subject: "PKI root" });
const intermediate = makeCa({ subject: "PKI middle", issuer: root });
const stranger = makeCa({ subject: "PKI root" });

interface PkiTrust {
  readonly subjectEmail?: string;
  readonly subjectHostname?: string;
  readonly caIntermediates?: string;
}

function trustIn(ca: string, { caIntermediates, ...subject }: PkiTrust): SigstoreTrust {
  return {
    identity: {
      type: "pki",
      caRoots: Buffer.from(ca),
      ...(caIntermediates !== undefined && { caIntermediates: Buffer.from(caIntermediates) }),
      ...subject,
    },
  };
}

const forEmail = trustIn(root.pem, { subjectEmail: email });
const forHost = trustIn(root.pem, { subjectHostname: host });
const forBoth = trustIn(root.pem, { subjectEmail: email, subjectHostname: host });

function leaf(names: readonly AltName[], options: CertificateOptions = {}): TestCertificate {
  return makeCertificate({
    issuer: root,
    key: signer,
    extensions: [altNames(names), extKeyUsage(usages.codeSigning)],
    ...options,
  });
}

const named = leaf([{ email }, { dns: host }]);
const lower = leaf([{ email }], { issuer: intermediate });

function hostCase(name: string, wanted: string, found: AltName): VerifyCase {
  const trust = trustIn(root.pem, { subjectHostname: wanted });
  return { name: `hostname: ${name}`, trust, signature: certified(leaf([found])) };
}

/** Certificates of one's own authority, judged now — `specs/signing.md` 4.6. */
export const pkiCases: readonly VerifyCase[] = [
  { name: "I40 pki", trust: forEmail, signature: certified(named) },
  {
    name: "I40b expired now",
    trust: forEmail,
    signature: certified(leaf([{ email }], { notAfter: daysOn(-0.1) })),
  },
  {
    name: "I40b not yet valid",
    trust: forEmail,
    signature: certified(leaf([{ email }], { notBefore: daysOn(0.1) })),
  },
  { name: "I40c hostname", trust: forHost, signature: certified(named) },
  {
    name: "I40c hostname wrong",
    trust: forHost,
    signature: certified(leaf([{ dns: "other.example.com" }])),
  },
  {
    name: "I40c hostname in the common name only",
    trust: forHost,
    signature: certified(leaf([{ email }], { subject: host })),
  },
  { name: "I40d wildcard", trust: forHost, signature: certified(leaf([{ dns: "*.example.com" }])) },
  {
    name: "I40e both, e-mail wrong",
    trust: forBoth,
    signature: certified(leaf([{ email: "bob@example.com" }, { dns: host }])),
  },
  { name: "I40e both, hostname wrong", trust: forBoth, signature: certified(leaf([{ email }])) },
  { name: "I40e both", trust: forBoth, signature: certified(named) },
  {
    name: "I40f intermediate from policy",
    trust: trustIn(root.pem, { subjectEmail: email, caIntermediates: intermediate.pem }),
    signature: certified(lower),
  },
  {
    name: "I40f garbage among the intermediates",
    trust: trustIn(root.pem, {
      subjectEmail: email,
      caIntermediates: `${intermediate.pem}garbage`,
    }),
    signature: certified(lower),
  },
  {
    name: "I40g intermediate from chain",
    trust: forEmail,
    signature: certified(lower, { chain: intermediate.pem + root.pem }),
  },
  {
    name: "I40g intermediate alone in chain",
    trust: forEmail,
    signature: certified(lower, { chain: intermediate.pem }),
  },
  {
    name: "I40h wrong CA",
    trust: trustIn(stranger.pem, { subjectEmail: email }),
    signature: certified(named),
  },
  {
    name: "pki roots of garbage",
    trust: trustIn("garbage", { subjectEmail: email }),
    signature: certified(named),
  },
  {
    name: "pki EKU serverAuth",
    trust: forEmail,
    signature: certified(
      leaf([{ email }], { extensions: [altNames([{ email }]), extKeyUsage(usages.serverAuth)] }),
    ),
  },
  {
    name: "pki two certificates",
    trust: forEmail,
    signature: certified(named, { certificate: named.pem + root.pem }),
  },
  {
    name: "pki certificate is empty",
    trust: forEmail,
    signature: certified(named, { certificate: "" }),
  },
  {
    name: "pki certificate with white space around",
    trust: forEmail,
    signature: certified(named, { certificate: `\n${named.pem}\n` }),
  },
  hostCase("in other case", host, { dns: "SIGNER.Example.com" }),
  hostCase("wanted in other case", "SIGNER.Example.com", { dns: host }),
  hostCase("wanted with a dot behind", `${host}.`, { dns: host }),
  hostCase("found with a dot behind", host, { dns: `${host}.` }),
  hostCase("wildcard for two labels", "a.signer.example.com", { dns: "*.example.com" }),
  hostCase("wildcard for the domain itself", "example.com", { dns: "*.example.com" }),
  hostCase("wildcard in the middle", host, { dns: "signer.*.com" }),
  hostCase("wildcard as part of a label", host, { dns: "sig*.example.com" }),
  hostCase("wildcard alone", host, { dns: "*" }),
  hostCase("wildcard wanted", "*.example.com", { dns: "*.example.com" }),
  hostCase("not a hostname, the same", "a b", { dns: "a b" }),
  hostCase("address", "192.0.2.1", { ip: Buffer.of(192, 0, 2, 1) }),
  hostCase("address as a name", "192.0.2.1", { dns: "192.0.2.1" }),
  hostCase("address in brackets", "[192.0.2.1]", { ip: Buffer.of(192, 0, 2, 1) }),
  hostCase("another address", "192.0.2.2", { ip: Buffer.of(192, 0, 2, 1) }),
  hostCase("IPv6 address", "2001:db8::1", {
    ip: Buffer.from("20010db8000000000000000000000001", "hex"),
  }),
  hostCase("IPv4 address as IPv6", "192.0.2.1", {
    ip: Buffer.from("00000000000000000000ffffc0000201", "hex"),
  }),
  hostCase("label with a dash in front", "-a.example.com", { dns: "*.example.com" }),
  hostCase("label with an underscore", "_a.example.com", { dns: "*.example.com" }),
  hostCase("empty label", "a..example.com", { dns: "a..example.com" }),
];
