import { annotationKeys, type SigstoreSignature } from "../../../../sigstore/cosign/attachment.ts";
import type { SigstoreTrust } from "../../../../sigstore/verifiers.ts";
import {
  altNames,
  basicConstraints,
  type CertificateOptions,
  daysOn,
  extension,
  extKeyUsage,
  issuerV1,
  issuerV2,
  keyUsage,
  makeCa,
  makeCertificate,
  type TestCertificate,
  testKey,
  usages,
} from "../../../support/certificates.ts";
import { bits, der, ia5, oid, sequence, utf8 } from "../../../support/der.ts";
import { loggedAt, makeSet, type SetOptions, signPayload } from "../../../support/sigstore.ts";
import { other, payload, signer, type VerifyCase } from "./case.ts";
import { rekor } from "./rekor.ts";

const issuer = "https://accounts.example.com";
const email = "ann@example.com";
export const root = makeCa();
const namesake = makeCa();
const rootKey = testKey("p256");
const intermediate = makeCa({ subject: "middle", issuer: root });
const lower = makeCa({ subject: "lower", issuer: intermediate });

function trustIn(ca: string, more: object = {}): SigstoreTrust {
  return {
    identity: {
      type: "fulcio",
      ca: Buffer.from(ca),
      oidcIssuer: issuer,
      subjectEmail: email,
      ...more,
    },
    rekorKeys: [Buffer.from(rekor.pem)],
  };
}

const trust = trustIn(root.pem);
const who = altNames([{ email }]);
const sign = extKeyUsage(usages.codeSigning);
const from = issuerV1(issuer);

function leaf(options: CertificateOptions = {}): TestCertificate {
  return makeCertificate({
    issuer: root,
    key: signer,
    extensions: [who, sign, from, keyUsage(0)],
    ...options,
  });
}

interface Brought {
  /** PEM; by default what `by` is. */
  readonly certificate?: string;
  readonly chain?: string;
  readonly key?: typeof signer;
  readonly set?: Partial<SetOptions>;
}

/** A signature with the certificate that is to vouch for it. */
export function certified(by: TestCertificate, brought: Brought = {}): SigstoreSignature {
  const certificate = brought.certificate ?? by.pem;
  const signature = signPayload(payload, brought.key ?? by.key);
  return {
    format: "sigstore",
    mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
    payload,
    annotations: {
      [annotationKeys.signature]: signature,
      [annotationKeys.certificate]: certificate,
      ...(brought.chain !== undefined && { [annotationKeys.chain]: brought.chain }),
      [annotationKeys.set]: makeSet({
        rekor,
        payload,
        signature,
        publicKey: certificate,
        ...brought.set,
      }),
    },
  };
}

function without(signature: SigstoreSignature, key: string): SigstoreSignature {
  const kept = Object.entries(signature.annotations).filter(([name]) => name !== key);
  return { ...signature, annotations: Object.fromEntries(kept) };
}

/** A leaf with these extensions instead of the usual. */
function saying(...extensions: readonly Uint8Array[]): SigstoreSignature {
  return certified(leaf({ extensions }));
}

/** A leaf two steps below the root, the step between being as given. */
function below(ca: TestCertificate, ...higher: readonly TestCertificate[]): SigstoreSignature {
  const chain = [ca, ...higher, root].map(({ pem }) => pem).join("");
  return certified(leaf({ issuer: ca }), { chain });
}

const at = (days: number) => ({ set: { integratedTime: loggedAt + days * 86_400 } });

const notCa = makeCertificate({
  subject: "no CA",
  issuer: root,
  extensions: [basicConstraints(false)],
});
const silent = makeCertificate({ subject: "silent", issuer: root });
const constrained = extension(
  "2.5.29.30",
  sequence(der(0xa0, sequence(ia5("example.com", 0x81)))),
  true,
);

/** Fulcio's certificates — `specs/signing.md` 4.5, and what Go's crypto/x509 makes of chains. */
export const fulcioCases: readonly VerifyCase[] = [
  { name: "I30 leaf under root", trust, signature: certified(leaf()) },
  { name: "I30b issuer v2", trust, signature: saying(who, sign, issuerV2(issuer)) },
  { name: "I30c issuer v1 and v2", trust, signature: saying(who, sign, from, issuerV2(issuer)) },
  {
    name: "I30d issuer v1 and v2 differ",
    trust,
    signature: saying(who, sign, from, issuerV2("https://other")),
  },
  {
    name: "I30d issuer v2 and v1 differ",
    trust,
    signature: saying(who, sign, issuerV2(issuer), issuerV1("https://other")),
  },
  { name: "I30e no issuer", trust, signature: saying(who, sign) },
  {
    name: "issuer v2 with something behind",
    trust,
    signature: saying(
      who,
      sign,
      extension("1.3.6.1.4.1.57264.1.8", Buffer.concat([utf8(issuer), Buffer.of(0)])),
    ),
  },
  {
    name: "issuer v2 as bare text",
    trust,
    signature: saying(who, sign, extension("1.3.6.1.4.1.57264.1.8", Buffer.from(issuer))),
    ownWords: "our DER reader's",
  },
  {
    name: "issuer v2 as an IA5String",
    trust,
    signature: saying(who, sign, extension("1.3.6.1.4.1.57264.1.8", ia5(issuer))),
  },
  { name: "issuer twice", trust, signature: saying(who, sign, from, from) },
  { name: "I31 wrong issuer", trust, signature: saying(who, sign, issuerV1("https://other")) },
  {
    name: "I31 issuer with something behind",
    trust,
    signature: saying(who, sign, issuerV1(`${issuer}/`)),
  },
  {
    name: "I31 issuer with a NUL behind",
    trust,
    signature: saying(who, sign, issuerV1(`${issuer}\0`)),
  },
  {
    name: "I32 wrong e-mail",
    trust,
    signature: saying(altNames([{ email: "bob@example.com" }]), sign, from),
  },
  {
    name: "I32 second of two e-mails",
    trust,
    signature: saying(altNames([{ email: "bob@example.com" }, { email }]), sign, from),
  },
  { name: "I32 no names", trust, signature: saying(sign, from) },
  {
    name: "I32b URI only",
    trust,
    signature: saying(altNames([{ uri: `mailto:${email}` }]), sign, from),
  },
  { name: "I32b DNS name only", trust, signature: saying(altNames([{ dns: email }]), sign, from) },
  {
    name: "I32c e-mail in other case",
    trust,
    signature: saying(altNames([{ email: "Ann@example.com" }]), sign, from),
  },
  {
    name: "I32 e-mail with a NUL",
    trust,
    signature: saying(altNames([{ email: `${email}\0.evil` }]), sign, from),
  },
  {
    name: "I32 e-mail as a part",
    trust,
    signature: saying(altNames([{ email: `x${email}` }]), sign, from),
  },
  {
    name: "I32 e-mail not ASCII",
    trust,
    signature: saying(altNames([{ email: "änn@example.com" }]), sign, from),
    ownWords: "our DER reader's",
  },
  {
    name: "critical names of an unknown kind",
    trust,
    signature: saying(extension("2.5.29.17", sequence(der(0xa0, oid("1.2.3"))), true), sign, from),
  },
  {
    name: "I33 logged after expiry",
    trust,
    signature: certified(leaf({ notAfter: daysOn(-0.5) })),
  },
  {
    name: "I33b logged before begin",
    trust,
    signature: certified(leaf({ notBefore: daysOn(0.5) })),
  },
  {
    name: "I33c expired now, not when logged",
    trust: trustIn(makeRoot({ notBefore: daysOn(-9) }).pem),
    signature: expiredSince(),
  },
  {
    name: "root expired when logged",
    trust: trustIn(makeRoot({ notAfter: daysOn(-0.5) }).pem),
    signature: certified(leaf({ issuer: makeRoot({ notAfter: daysOn(-0.5) }) })),
  },
  {
    name: "I34 intermediate and root in chain",
    trust,
    signature: certified(leaf({ issuer: intermediate }), { chain: intermediate.pem + root.pem }),
  },
  {
    name: "I34b intermediate alone in chain",
    trust,
    signature: certified(leaf({ issuer: intermediate }), { chain: intermediate.pem }),
  },
  { name: "I34c no chain", trust, signature: certified(leaf({ issuer: intermediate })) },
  {
    name: "I34d intermediate among the roots",
    trust: trustIn(root.pem + intermediate.pem),
    signature: certified(leaf({ issuer: intermediate })),
  },
  { name: "two intermediates", trust, signature: below(lower, intermediate) },
  {
    name: "two intermediates in the wrong order",
    trust,
    signature: certified(leaf({ issuer: lower }), {
      chain: intermediate.pem + lower.pem + root.pem,
    }),
  },
  { name: "two intermediates, one missing", trust, signature: below(lower) },
  { name: "chain of garbage", trust, signature: certified(leaf(), { chain: "garbage" }) },
  { name: "chain is empty", trust, signature: certified(leaf(), { chain: "" }) },
  {
    name: "chain with garbage behind",
    trust,
    signature: certified(leaf({ issuer: intermediate }), {
      chain: `${intermediate.pem}${root.pem}garbage`,
    }),
  },
  {
    name: "chain with white space around",
    trust,
    signature: certified(leaf({ issuer: intermediate }), {
      chain: `\n ${intermediate.pem}\n\n${root.pem} \n`,
    }),
  },
  {
    name: "chain with a key in it",
    trust,
    signature: certified(leaf({ issuer: intermediate }), {
      chain: intermediate.pem + signer.pem + root.pem,
    }),
    ownWords: "our DER reader's",
  },
  { name: "I35 CA of one's own", trust, signature: certified(leaf({ issuer: namesake })) },
  {
    name: "I35 CA of one's own, brought along",
    trust,
    signature: certified(leaf({ issuer: namesake }), { chain: namesake.pem + namesake.pem }),
  },
  {
    name: "I35 self-signed",
    trust,
    signature: certified(makeCertificate({ key: signer, extensions: [who, sign, from] })),
  },
  { name: "I35 signature spoilt", trust, signature: certified(leaf({ badSignature: true })) },
  {
    name: "namesakes among the roots",
    trust: trustIn(namesake.pem + root.pem),
    signature: certified(leaf()),
  },
  { name: "issuer named otherwise", trust, signature: certified(leaf({ issuerName: "toor" })) },
  { name: "leaf is a root itself", trust: trustIn(leaf().pem), signature: certified(leaf()) },
  { name: "leaf is among the roots", ...amongRoots() },
  {
    name: "I36 EKU serverAuth",
    trust,
    signature: saying(who, extKeyUsage(usages.serverAuth), from),
  },
  { name: "I36b no EKU", trust, signature: saying(who, from) },
  { name: "EKU any", trust, signature: saying(who, extKeyUsage(usages.any), from) },
  {
    name: "EKU among others",
    trust,
    signature: saying(who, extKeyUsage("1.2.3.4", usages.codeSigning), from),
  },
  { name: "EKU unknown", trust, signature: saying(who, extKeyUsage("1.2.3.4"), from) },
  { name: "EKU of nothing", trust, signature: saying(who, extKeyUsage(), from) },
  {
    name: "EKU nesting: intermediate for servers",
    trust,
    signature: below(
      makeCa({ subject: "m", issuer: root, extensions: [extKeyUsage(usages.serverAuth)] }),
    ),
  },
  {
    name: "EKU nesting: intermediate for code",
    trust,
    signature: below(makeCa({ subject: "m", issuer: root, extensions: [sign] })),
  },
  {
    name: "EKU nesting: intermediate for all",
    trust,
    signature: below(makeCa({ subject: "m", issuer: root, extensions: [extKeyUsage(usages.any)] })),
  },
  {
    name: "I37 no certificate",
    trust,
    signature: without(certified(leaf()), annotationKeys.certificate),
  },
  { name: "I37 no SET", trust, signature: without(certified(leaf()), annotationKeys.set) },
  {
    name: "I37b two certificates",
    trust,
    signature: certified(leaf(), { certificate: leaf().pem + root.pem }),
  },
  {
    name: "I37b certificate is garbage",
    trust,
    signature: certified(leaf(), { certificate: "garbage" }),
  },
  {
    name: "I37b certificate of garbage",
    trust,
    signature: certified(leaf(), {
      certificate: "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n",
    }),
    ownWords: "our DER reader's",
  },
  {
    name: "I37c SET logs another certificate",
    trust,
    signature: certified(leaf(), { set: { publicKey: leaf().pem } }),
  },
  {
    name: "I37c SET logs the bare key",
    trust,
    signature: certified(leaf(), { set: { publicKey: signer.pem } }),
  },
  { name: "I37d signed by another key", trust, signature: certified(leaf(), { key: other }) },
  { name: "issuer is no CA", trust, signature: below(notCa) },
  { name: "issuer does not say it is a CA", trust, signature: below(silent) },
  { name: "issuer is a leaf of the same root", trust, signature: below(leaf()) },
  {
    name: "issuer may not sign certificates",
    trust,
    signature: below(
      makeCertificate({
        subject: "m",
        issuer: root,
        extensions: [basicConstraints(true), keyUsage(0)],
      }),
    ),
  },
  {
    name: "issuer says nothing of key usage",
    trust,
    signature: below(
      makeCertificate({ subject: "m", issuer: root, extensions: [basicConstraints(true)] }),
    ),
  },
  {
    name: "path length 0, leaf below",
    trust,
    signature: below(
      makeCertificate({
        subject: "m",
        issuer: root,
        extensions: [basicConstraints(true, 0), keyUsage(5)],
      }),
    ),
  },
  { name: "path length 0, CA below", ...tooLong(0) },
  { name: "path length 1, CA below", ...tooLong(1) },
  {
    name: "root is no CA",
    ...under(makeCertificate({ subject: "root", extensions: [basicConstraints(false)] })),
  },
  { name: "root does not say it is a CA", ...under(makeCertificate({ subject: "root" })) },
  { name: "root of version 1", ...under(makeCertificate({ subject: "root", version: 1 })) },
  {
    name: "root may not sign certificates",
    ...under(
      makeCertificate({ subject: "root", extensions: [basicConstraints(true), keyUsage(0)] }),
    ),
  },
  {
    name: "intermediate of version 1",
    trust,
    signature: below(makeCertificate({ subject: "m", issuer: root, version: 1 })),
  },
  {
    name: "intermediate expired",
    trust,
    signature: below(makeCa({ subject: "m", issuer: root, notAfter: daysOn(-0.5) })),
  },
  {
    name: "intermediate not yet valid",
    trust,
    signature: below(makeCa({ subject: "m", issuer: root, notBefore: daysOn(0.5) })),
  },
  {
    name: "names permitted by the intermediate",
    trust,
    signature: below(makeCa({ subject: "m", issuer: root, extensions: [constrained] })),
    stricter: "name constraints are not understood",
  },
  {
    name: "policies demanded by the intermediate",
    trust,
    signature: below(
      makeCa({
        subject: "m",
        issuer: root,
        extensions: [extension("2.5.29.36", sequence(der(0x80, Buffer.of(0))), true)],
      }),
    ),
    ownWords: "policies are not understood",
  },
  {
    name: "leaf signed with SHA-1",
    trust: trustIn(rsaRoot().pem),
    signature: certified(leaf({ issuer: rsaRoot(), hash: "sha1" })),
  },
  {
    name: "leaf signed with RSA and SHA-512",
    trust: trustIn(rsaRoot().pem),
    signature: certified(leaf({ issuer: rsaRoot(), hash: "sha512" })),
  },
  {
    name: "root signed with SHA-1",
    ...under(makeCa({ key: testKey("rsa", "root"), hash: "sha1" })),
  },
  { name: "leaf signed with ed25519", ...under(makeCa({ key: testKey("ed25519") })) },
  { name: "leaf signed with P-384", ...under(makeCa({ key: testKey("p384") })) },
  {
    name: "leaf whose algorithm is given twice, differently",
    trust,
    signature: certified(leaf({ innerAlgorithm: sequence(oid("1.2.840.10045.4.3.3")) })),
  },
  {
    name: "leaf with an unknown critical extension",
    trust,
    signature: saying(who, sign, from, extension("1.2.3.4", Buffer.of(5, 0), true)),
  },
  {
    name: "leaf with an unknown extension",
    trust,
    signature: saying(who, sign, from, extension("1.2.3.4", Buffer.of(5, 0))),
  },
  {
    name: "intermediate with an unknown critical extension",
    trust,
    signature: below(
      makeCa({
        subject: "m",
        issuer: root,
        extensions: [extension("1.2.3.4", Buffer.of(5, 0), true)],
      }),
    ),
  },
  { name: "leaf with an extension twice", trust, signature: saying(who, sign, sign, from) },
  {
    name: "leaf of version 1 with extensions",
    trust,
    signature: certified(leaf({ version: 1 })),
    ownWords: "our reader's",
  },
  { name: "leaf is a CA", trust, signature: saying(who, sign, from, basicConstraints(true)) },
  {
    name: "leaf with a key for RSA-PSS",
    trust,
    signature: certified(leaf({ key: testKey("rsa-pss", "cases") }), { key: signer }),
    ownWords: "where it is noticed",
  },
  {
    name: "leaf with an RSA key",
    trust,
    signature: certified(leaf({ key: testKey("rsa", "cases") })),
  },
  {
    name: "leaf with an ed25519 key",
    trust,
    signature: certified(leaf({ key: testKey("ed25519", "leaf") })),
  },
  {
    name: "garbage among the roots",
    trust: trustIn(
      `garbage\n-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n${signer.pem}${root.pem}`,
    ),
    signature: certified(leaf()),
  },
  { name: "roots of garbage", trust: trustIn("garbage"), signature: certified(leaf()) },
  { name: "roots are empty", trust: trustIn(""), signature: certified(leaf()) },
  { name: "roots are keys", trust: trustIn(signer.pem), signature: certified(leaf()) },
  {
    name: "root with PEM headers",
    trust: trustIn(root.pem.replace("CATE-----\n", "CATE-----\nA: b\n\n")),
    signature: certified(leaf()),
  },
  { name: "SET by another log", trust, signature: certified(leaf(), { set: { rekor: signer } }) },
  { name: "logged three days ago", trust, signature: certified(leaf(), at(-3)) },
  { name: "logged in three days", trust, signature: certified(leaf(), at(3)) },
  {
    name: "bit string of broken octets in key usage",
    trust,
    signature: saying(who, sign, from, extension("2.5.29.15", bits(Buffer.of(0x80), 7), true)),
  },
];

function makeRoot(options: CertificateOptions): TestCertificate {
  return makeCa({ key: rootKey, ...options });
}

function rsaRoot(): TestCertificate {
  return makeCa({ key: testKey("rsa", "root") });
}

function expiredSince(): SigstoreSignature {
  const long = makeRoot({ notBefore: daysOn(-9) });
  const short = leaf({ issuer: long, notBefore: daysOn(-8), notAfter: daysOn(-7) });
  return certified(short, at(-7.5));
}

function under(ca: TestCertificate): Pick<VerifyCase, "trust" | "signature"> {
  return { trust: trustIn(ca.pem), signature: certified(leaf({ issuer: ca })) };
}

function amongRoots(): Pick<VerifyCase, "trust" | "signature"> {
  const own = leaf();
  return { trust: trustIn(own.pem), signature: certified(own) };
}

function tooLong(pathLength: number): Pick<VerifyCase, "trust" | "signature"> {
  const upper = makeCertificate({
    subject: "upper",
    issuer: root,
    extensions: [basicConstraints(true, pathLength), keyUsage(5)],
  });
  const bottom = makeCa({ subject: "bottom", issuer: upper });
  return { trust, signature: below(bottom, upper) };
}
