import type { PolicySubject } from "../policy/subject.ts";
import { annotationKeys, type SigstoreSignature } from "../sigstore/cosign/attachment.ts";
import type { UntrustedSignature } from "../sigstore/signature.ts";
import { digestOf } from "../src/core/digest.ts";
import { parseDockerLocation } from "../src/transport/docker/location.ts";
import {
  altNames,
  extKeyUsage,
  issuerV1,
  keyUsage,
  makeCa,
  makeCertificate,
  testKey,
  testTime,
  usages,
} from "../test/support/certificates.ts";
import { generateKey, gpgHome } from "../test/support/openpgp/gpg.ts";
import { makeSet, payloadFor, signatureBy } from "../test/support/sigstore.ts";

/** An image with one good signature of a kind, and the requirement that it meets. */
export interface SignedKind {
  readonly name: string;
  readonly requirement: object;
  /** The files that the requirement names. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly subject: PolicySubject;
  readonly now: Date;
}

const name = "registry.example.com/ns/one:v1";
const reference = parseDockerLocation(`//${name}`, { tagAndDigest: true });
const manifestDigest = digestOf(Buffer.from("a manifest"));

function subjectOf(signature: UntrustedSignature): PolicySubject {
  return { reference, manifestDigest, signatures: async () => [signature] };
}

/** One of each kind; the OpenPGP ones are made by gpg. */
export async function* signedKinds(): AsyncGenerator<SignedKind> {
  yield* openPgpKinds();
  yield* sigstoreKinds();
}

const algorithms = [
  ["OpenPGP RSA-3072", "rsa3072"],
  ["OpenPGP Ed25519 (legacy)", "ed25519"],
  ["OpenPGP P-256", "nistp256"],
] as const;

function* openPgpKinds(): Generator<SignedKind> {
  using gpg = gpgHome();
  const payload = JSON.stringify({
    critical: {
      identity: { "docker-reference": name },
      image: { "docker-manifest-digest": manifestDigest },
      type: "atomic container signature",
    },
    optional: { creator: "bench" },
  });
  for (const [kind, algorithm] of algorithms) {
    const key = generateKey(gpg, `${algorithm}@bench.test`, algorithm);
    const bytes = gpg.output(["-u", key, "--sign"], { input: Buffer.from(payload) });
    yield {
      name: kind,
      requirement: { type: "signedBy", keyType: "GPGKeys", keyPath: "/keys" },
      files: { "/keys": gpg.output(["--export", key]) },
      subject: subjectOf({ format: "simple-signing", bytes }),
      now: new Date(),
    };
  }
}

const signer = testKey("p256");
const rekor = testKey("p256");
const payload = payloadFor(manifestDigest, name);
const keyed = { type: "sigstoreSigned", keyPath: "/key.pub" };
const logged = { rekorPublicKeyPath: "/rekor.pub" };
const files = { "/key.pub": Buffer.from(signer.pem), "/rekor.pub": Buffer.from(rekor.pem) };

function* sigstoreKinds(): Generator<SignedKind> {
  const plain = signatureBy(signer, payload);
  const now = testTime;
  yield { name: "cosign P-256", requirement: keyed, files, subject: subjectOf(plain), now };
  yield {
    name: "cosign P-256, Rekor SET",
    requirement: { ...keyed, ...logged },
    files,
    subject: subjectOf(withSet(plain, signer.pem)),
    now,
  };
  yield fulcioKind(plain);
}

function fulcioKind(plain: SigstoreSignature): SignedKind {
  const oidcIssuer = "https://accounts.example.com";
  const subjectEmail = "ann@example.com";
  const root = makeCa();
  const middle = makeCa({ subject: "middle", issuer: root });
  const leaf = makeCertificate({
    issuer: middle,
    key: signer,
    extensions: [
      altNames([{ email: subjectEmail }]),
      extKeyUsage(usages.codeSigning),
      issuerV1(oidcIssuer),
      keyUsage(0),
    ],
  });
  const signature = withSet(plain, leaf.pem);
  const certificates = {
    [annotationKeys.certificate]: leaf.pem,
    [annotationKeys.chain]: middle.pem + root.pem,
  };
  const fulcio = { caPath: "/ca.pem", oidcIssuer, subjectEmail };
  return {
    name: "Fulcio, with its SET",
    requirement: { type: "sigstoreSigned", fulcio, ...logged },
    files: { ...files, "/ca.pem": Buffer.from(root.pem) },
    subject: subjectOf({
      ...signature,
      annotations: { ...signature.annotations, ...certificates },
    }),
    now: testTime,
  };
}

function withSet(signature: SigstoreSignature, publicKey: string): SigstoreSignature {
  const set = makeSet({
    rekor,
    payload,
    signature: signature.annotations[annotationKeys.signature] ?? "",
    publicKey,
  });
  return { ...signature, annotations: { ...signature.annotations, [annotationKeys.set]: set } };
}
