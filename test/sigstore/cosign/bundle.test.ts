import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyBundle } from "../../../sigstore/cosign/bundle.ts";
import { prepareBundleTrust } from "../../../sigstore/cosign/bundle-trust.ts";
import type { CertificateIdentity } from "../../../sigstore/cosign/certificate-identity.ts";
import { WholePattern } from "../../../sigstore/cosign/whole-pattern.ts";
import { digestOf } from "../../../src/core/digest.ts";
import {
  type BundleJson,
  type BundleOptions,
  makeBundle,
  makeTrustedRoot,
  statementOf,
} from "../../support/bundle.ts";
import {
  altNames,
  type CertificateOptions,
  daysOn,
  extension,
  extKeyUsage,
  issuerV2,
  makeCa,
  makeCertificate,
  testKey,
  testTime,
  toPem,
  usages,
} from "../../support/certificates.ts";
import {
  byEmail,
  certBundle,
  email,
  hex,
  identities,
  issuer,
  keyBundle,
  keys,
  leaf,
  manifestDigest,
  other,
  refuses,
  root,
  signer,
  stampRoot,
  stamps,
  statement,
  uri,
  verify,
} from "./bundle-world.ts";

// Made by `cosign sign --key` 3.1.1 with an empty signing config, for the manifest of that digest; and by `cosign attest`.
const cosign = {
  digest: "sha256:c5c3090c78a69c23565353b874b43eda3ad7c4cfcb855e839f3908ac5a11a9e6",
  key: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/NLwhjETg7HEQVfZhHrkFBm2y1HtmSI2clbhKQhBzgC0Bop2xYDymRecKC6Y06U3soS+psVguZYKUKqQfreTLA==",
  signature:
    '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"i/XQeVCyUNU3wxH8N4+TjAsfATkLPyWpF9cvAe9qUVU="}},"dsseEnvelope":{"payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJkaWdlc3QiOnsic2hhMjU2IjoiYzVjMzA5MGM3OGE2OWMyMzU2NTM1M2I4NzRiNDNlZGEzYWQ3YzRjZmNiODU1ZTgzOWYzOTA4YWM1YTExYTllNiJ9LCJhbm5vdGF0aW9ucyI6e319XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vc2lnc3RvcmUuZGV2L2Nvc2lnbi9zaWduL3YxIiwicHJlZGljYXRlIjp7fX0=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MEUCIQD3T32+tzDOk/zAeWEkKWYiJ7xHfGKU7I0AuyZRaYAKwAIgewzLq8WepkX/rl6HQeHYUdvCfgUXgZ+0EDkUfM9dxtM="}]}}',
  attestation:
    '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"i/XQeVCyUNU3wxH8N4+TjAsfATkLPyWpF9cvAe9qUVU="}},"dsseEnvelope":{"payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjAuMSIsInN1YmplY3QiOlt7Im5hbWUiOiIxMjcuMC4wLjE6NTk3MS9ucy90aHJlZSIsImRpZ2VzdCI6eyJzaGEyNTYiOiJjNWMzMDkwYzc4YTY5YzIzNTY1MzUzYjg3NGI0M2VkYTNhZDdjNGNmY2I4NTVlODM5ZjM5MDhhYzVhMTFhOWU2In19XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vZXhhbXBsZS5jb20vc2JvbS92MSIsInByZWRpY2F0ZSI6eyJhIjoxfX0=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MEQCIAptEbREbrc4cVm39vER2WfuY2EGHOvW3bkmij4YYZNVAiATwbMBwrZ1I6P0u6//2NkDq/r+Q/CxfdsTL4aXf1FXpw=="}]}}',
} as const;

test("a bundle of cosign 3 is verified, and its attestation is no signature", async () => {
  const pem = toPem("PUBLIC KEY", Buffer.from(cosign.key, "base64"));
  const trust = await prepareBundleTrust(keys({ pem }));
  const options = { manifestDigest: cosign.digest as typeof manifestDigest, now: testTime };
  const { claim } = await verifyBundle(Buffer.from(cosign.signature), trust, options);
  assert.deepEqual(claim, { manifestDigest: cosign.digest });
  await assert.rejects(verifyBundle(Buffer.from(cosign.attestation), trust, options), {
    code: "signature.bad-payload",
  });
});

test("a bundle is verified with any of the keys, of any kind, whatever its hint says", async () => {
  for (const kind of ["p256", "p384", "p521", "rsa", "ed25519"] as const) {
    const key = testKey(kind, "bundle");
    const found = await verify(keyBundle({ signer: key }), keys(other, key));
    assert.deepEqual(found.claim, { manifestDigest });
    assert.match(found.signedBy, /^sha256:/);
  }
  const hintless = keyBundle({
    change: (bundle) => {
      bundle.verificationMaterial = { publicKey: { hint: "" } };
    },
  });
  await verify(hintless, keys(signer));
});

test("another key, another image, another payload is refused", async () => {
  await refuses("bad", keyBundle(), keys(other));
  const elsewhere = statementOf(digestOf(Buffer.from("other")).slice(7));
  await refuses("bad-payload", keyBundle({ statement: elsewhere }), keys(signer));
  const swapped = keyBundle({
    change: ({ dsseEnvelope }) => {
      if (dsseEnvelope)
        dsseEnvelope.payload = Buffer.from(JSON.stringify(elsewhere)).toString("base64");
    },
  });
  await refuses("bad", swapped, keys(signer));
});

test("only a statement that signs one image is a signature", async () => {
  const subject = { digest: { sha256: hex } };
  const statements: readonly (Record<string, unknown> | string)[] = [
    statementOf(hex, { predicateType: "https://example.com/sbom/v1" }),
    statementOf(hex, { predicateType: undefined }),
    statementOf(hex, { _type: "https://in-toto.io/Statement/v0.1" }),
    statementOf(hex, { subject: [] }),
    statementOf(hex, { subject: [subject, subject] }),
    statementOf(hex, { subject }),
    statementOf(hex, { subject: [{ digest: {} }] }),
    statementOf(hex, { subject: [{ digest: { sha256: hex, sha512: hex } }] }),
    statementOf(hex, { subject: [{ digest: { sha512: hex } }] }),
    statementOf(hex, { subject: [{ digest: { sha256: hex.toUpperCase() } }] }),
    statementOf(hex, { subject: [{ digest: { sha256: [hex] } }] }),
    JSON.stringify(statement).replace('"subject"', '"subject":[],"subject"'),
    JSON.stringify(statement).replace('"predicateType"', '"predicateType":"x","predicateType"'),
    `${JSON.stringify(statement)} {}`,
    "[]",
    "null",
    "hello",
  ];
  for (const wrong of statements) {
    await refuses(
      "bad-payload",
      keyBundle({ statement: wrong }),
      keys(signer),
      JSON.stringify(wrong),
    );
  }
});

/** A good bundle of so many bytes. */
function padded(length: number): Buffer {
  const bundle = keyBundle();
  return Buffer.concat([bundle, Buffer.alloc(length - bundle.length, " ")]);
}

test("what is no bundle with one signed statement is refused", async () => {
  const change = (edit: (bundle: BundleJson) => unknown) => keyBundle({ change: edit });
  const wrong: readonly Buffer[] = [
    Buffer.from(""),
    Buffer.from("null"),
    Buffer.from("[]"),
    Buffer.from("{}"),
    keyBundle({ payloadType: "text/plain" }),
    change((bundle) => ({ ...bundle, mediaType: "application/json" })),
    change((bundle) => ({ ...bundle, mediaType: `${bundle.mediaType}x` })),
    change((bundle) => ({ ...bundle, dsseEnvelope: undefined })),
    change((bundle) => ({ ...bundle, verificationMaterial: undefined })),
    change((bundle) => ({ ...bundle, verificationMaterial: {} })),
    change((bundle) => {
      bundle.dsseEnvelope?.signatures.push({ sig: "AAAA" });
    }),
    change((bundle) => {
      if (bundle.dsseEnvelope) bundle.dsseEnvelope.signatures = [];
    }),
    change((bundle) => JSON.stringify(bundle).replace('{"', '{"dsseEnvelope":{},"')),
    change((bundle) => `${JSON.stringify(bundle)}x`),
    change((bundle) => ({
      ...bundle,
      dsseEnvelope: undefined,
      messageSignature: {
        messageDigest: {
          algorithm: "SHA2_256",
          digest: Buffer.from(hex, "hex").toString("base64"),
        },
        signature: "AAAA",
      },
    })),
    padded(4 * 1024 * 1024 + 1),
  ];
  await verify(padded(4 * 1024 * 1024), keys(signer));
  for (const bytes of wrong) {
    await refuses("malformed", bytes, keys(signer), bytes.subarray(0, 200).toString());
  }
});

test("keys do not stand in for certificates, nor certificates for keys", async () => {
  await refuses("unknown-key", certBundle(), keys(signer));
  await refuses("unknown-key", keyBundle(), byEmail);
  const rooted = { ...byEmail, ...keys(signer) };
  await refuses("unknown-key", certBundle(), rooted);
});

test("a certificate of a key that nobody checks with is refused as one", async () => {
  for (const kind of ["p224", "rsa-pss"] as const) {
    const key = testKey(kind, "bundle");
    await refuses("bad-certificate", certBundle({ certificate: leaf({ key }) }), byEmail);
  }
});

test("bundles of all versions are read, with a certificate or with a chain", async () => {
  const typed = (mediaType: string) => (bundle: BundleJson) => ({ ...bundle, mediaType });
  for (const version of ["0.1", "0.2", "0.3"]) {
    const change = typed(`application/vnd.dev.sigstore.bundle+json;version=${version}`);
    await verify(keyBundle({ log: {}, change }), keys(signer));
  }
  const chained = certBundle({
    change: (bundle) => {
      const { certificate, ...material } = bundle.verificationMaterial;
      const chain = { certificates: [certificate] };
      bundle.verificationMaterial = { ...material, x509CertificateChain: chain };
      return { ...bundle, mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.2" };
    },
  });
  assert.equal((await verify(chained, byEmail)).signedBy, `${email} (${issuer})`);
});

test("with a trusted root a key's bundle has to be in its log", async () => {
  const trust = { ...keys(signer), trustedRoot: makeTrustedRoot() };
  const found = await verify(keyBundle({ log: {} }), trust);
  assert.deepEqual(found.signedAt, new Date(testTime.getTime() - 3_600_000));
  await verify(keyBundle({ log: { promise: false } }), trust);
  const p384 = testKey("p384", "bundle");
  await verify(makeBundle({ statement, signer: p384 }), { ...trust, ...keys(p384) });
  await refuses("bad-log-entry", keyBundle(), trust);
  await refuses("bad-log-entry", keyBundle({ log: { verifier: other.pem } }), trust);
  await refuses("bad-log-entry", keyBundle({ log: { key: other } }), trust);
});

test("a certificate's holder is known by e-mail, URI or pattern, and by who told", async () => {
  const found = await verify(certBundle(), byEmail);
  assert.equal(found.signedBy, `${email} (${issuer})`);
  const robot = leaf({
    extensions: [altNames([{ uri }]), extKeyUsage(usages.codeSigning), issuerV2(issuer)],
  });
  const byRobot = certBundle({ certificate: robot });
  const pattern = new WholePattern(
    "https://ci\\.example\\.com/ns/[a-z]+/\\.workflow@refs/heads/main",
  );
  const anyIssuer = new WholePattern("https://[a-z]+\\.example\\.com");
  const accepted: readonly (readonly CertificateIdentity[])[] = [
    [{ issuer, subject: { uri } }],
    [
      { issuer, subject: { email } },
      { issuer, subject: { uri } },
    ],
    [{ issuer, subject: { pattern } }],
    [{ issuer: anyIssuer, subject: { uri } }],
  ];
  for (const one of accepted) await verify(byRobot, identities(one));
  const refused: readonly (readonly CertificateIdentity[])[] = [
    [{ issuer, subject: { email: uri } }],
    [{ issuer, subject: { uri: `${uri}/` } }],
    [{ issuer, subject: { uri: uri.slice(0, -1) } }],
    [{ issuer: "https://accounts", subject: { uri } }],
    [{ issuer: new WholePattern("example"), subject: { uri } }],
    [{ issuer, subject: { pattern: new WholePattern("ci.example.com") } }],
    [{ issuer, subject: { pattern: new WholePattern("x|https") } }],
    [{ issuer, subject: { pattern: new WholePattern("") } }],
  ];
  for (const one of refused) await refuses("bad-certificate", byRobot, identities(one));
  for (const source of ["(", "a)|(b", "[", "\\"]) {
    assert.throws(() => new WholePattern(source), { code: "signature.bad-trust" }, source);
  }
});

test("a certificate is judged by the chain, its use, and the time that is proved", async () => {
  const says = [altNames([{ email }]), issuerV2(issuer)];
  const code = extKeyUsage(usages.codeSigning);
  const stranger = makeCa({ subject: "middle" });
  const notCa = makeCertificate({ subject: "middle", issuer: root });
  const server = makeCa({
    subject: "middle",
    issuer: root,
    extensions: [extKeyUsage(usages.serverAuth)],
  });
  const wrong: readonly CertificateOptions[] = [
    { notAfter: daysOn(-0.5) },
    { notBefore: daysOn(0.5) },
    { issuer: stranger },
    { extensions: [...says, extKeyUsage(usages.serverAuth)] },
    { extensions: [...says, code, extension("1.2.3.4", Buffer.of(5, 0), true)] },
    { extensions: [altNames([{ email }]), code] },
    { badSignature: true },
  ];
  for (const options of wrong) {
    await assert.rejects(verify(certBundle({ certificate: leaf(options) }), byEmail), {
      code: /^signature\.bad-(certificate|log-entry)$/,
    });
  }
  for (const middleman of [notCa, server]) {
    const trust = identities([{ issuer, subject: { email } }], {
      authorities: [[middleman, root]],
    });
    const bundle = certBundle({ certificate: leaf({ issuer: middleman }) });
    await assert.rejects(verify(bundle, trust), {
      code: /^signature\.bad-(certificate|log-entry)$/,
    });
  }
  await refuses("bad", certBundle({ signer: other }), byEmail);
});

test("without a proved time, a log entry or a trusted one, no certificate is believed", async () => {
  const refused: readonly Partial<BundleOptions>[] = [
    { log: false },
    { log: { promise: false } },
    { log: { proof: false } },
    { log: { key: other } },
    { log: { at: daysOn(0.5) } },
    { log: { verifier: leaf().pem } },
    { log: { verifier: signer.pem } },
    { log: { body: (body) => ({ ...body, kind: "intoto" }) } },
    { log: { body: () => "hello" } },
    { log: { body: (body) => ({ ...body, spec: {} }) } },
  ];
  for (const options of refused) {
    await assert.rejects(verify(certBundle(options), byEmail), {
      code: /^signature\.(bad-log-entry|malformed)$/,
    });
  }
  const entries = (edit: (entry: Record<string, unknown>) => void) =>
    certBundle({
      change: ({ verificationMaterial }) => {
        for (const entry of verificationMaterial.tlogEntries ?? []) edit(entry);
      },
    });
  const edits: readonly Buffer[] = [
    entries((entry) => Object.assign(entry, { integratedTime: "1" })),
    entries((entry) => Object.assign(entry, { logIndex: "1" })),
    entries((entry) => Object.assign(entry, { canonicalizedBody: "e30=" })),
    entries((entry) => Object.assign(entry["inclusionProof"] as object, { hashes: [] })),
    entries((entry) => Object.assign(entry["inclusionProof"] as object, { logIndex: "1" })),
    entries((entry) =>
      Object.assign(entry["inclusionPromise"] as object, { signedEntryTimestamp: "AAAA" }),
    ),
  ];
  for (const bytes of edits) await refuses("bad-log-entry", bytes, byEmail);
  const past = { validFor: { start: new Date(0), end: daysOn(-5) } };
  await refuses("bad-log-entry", certBundle(), identities([{ issuer, subject: { email } }], past));
});

test("where the trusted root knows logs of certificates, one of them has seen the certificate", async () => {
  const seenBy = testKey();
  const trust = identities([{ issuer, subject: { email } }], { certificateLogs: [seenBy] });
  await verify(certBundle({ certificate: leaf({ seenBy }) }), trust);
  await refuses("bad-log-entry", certBundle(), trust);
  await refuses("bad-log-entry", certBundle({ certificate: leaf({ seenBy: other }) }), trust);
});

test("an authority's timestamp proves the time where the log's does not", async () => {
  const at = new Date(testTime.getTime() - 7_200_000);
  const trust = identities([{ issuer, subject: { email } }], {
    timestampAuthorities: [[stamps, stampRoot]],
  });
  const stamped = (when: Date, by = stamps) =>
    certBundle({ log: { promise: false }, timestamps: [[by, when]] });
  const found = await verify(stamped(at), trust);
  assert.deepEqual(found.signedAt, at);
  await refuses("bad-log-entry", stamped(at), byEmail);
  await refuses("bad-log-entry", stamped(daysOn(5)), trust);
  await refuses("bad-log-entry", stamped(daysOn(-5)), trust);
  const stranger = makeCertificate({
    subject: "stamper",
    issuer: makeCa({ subject: "stamps" }),
    extensions: [extKeyUsage(usages.timeStamping)],
  });
  await refuses("bad-log-entry", stamped(at, stranger), trust);
  const swapped = certBundle({
    log: { promise: false },
    timestamps: [[stamps, at]],
    change: (bundle) => {
      const donor = JSON.parse(
        makeBundle({ statement: {}, signer: other, timestamps: [[stamps, at]] }).toString(),
      );
      bundle.verificationMaterial["timestampVerificationData"] =
        donor.verificationMaterial.timestampVerificationData;
    },
  });
  await refuses("bad-log-entry", swapped, trust);
});
