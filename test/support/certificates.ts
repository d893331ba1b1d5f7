import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { bits, bool, der, derNull, integer, oid, sequence, time, utf8 } from "./der.ts";

/** A key pair made for a test. */
export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** PKIX, PEM. */
  readonly pem: string;
}

type KeyKind = "p256" | "p384" | "p521" | "p224" | "rsa" | "rsa1024" | "ed25519" | "rsa-pss";

const made = new Map<string, TestKey>();

/** A key of this kind; the same for the same `name`, since RSA keys take their time. */
export function testKey(kind: KeyKind = "p256", name = ""): TestKey {
  const known = made.get(`${kind} ${name}`);
  if (known && name !== "") return known;
  const pair = generate(kind);
  const pem = pair.publicKey.export({ format: "pem", type: "spki" }).toString();
  const key = { ...pair, pem };
  made.set(`${kind} ${name}`, key);
  return key;
}

function generate(kind: KeyKind): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (kind) {
    case "rsa":
    case "rsa1024":
      return generateKeyPairSync("rsa", { modulusLength: kind === "rsa" ? 2048 : 1024 });
    case "rsa-pss":
      return generateKeyPairSync("rsa-pss", { modulusLength: 2048 });
    case "ed25519":
      return generateKeyPairSync("ed25519");
    default:
      return generateKeyPairSync("ec", { namedCurve: curves[kind] });
  }
}

const curves = { p224: "P-224", p256: "P-256", p384: "P-384", p521: "P-521" } as const;

/** What a certificate is to say. Everything may be wrong. */
export interface CertificateOptions {
  readonly subject?: string;
  /** By default a key of its own. */
  readonly key?: TestKey;
  /** By default signed by itself. */
  readonly issuer?: TestCertificate;
  /** The name of the issuer, where it is not to be the issuer's. */
  readonly issuerName?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly version?: number;
  /** DER extensions; {@link extension} and the `…Extension` functions make them. */
  readonly extensions?: readonly Uint8Array[];
  readonly hash?: "sha1" | "sha256" | "sha384" | "sha512";
  /** An AlgorithmIdentifier to write inside, where it is not to be the true one. */
  readonly innerAlgorithm?: Uint8Array;
  /** The key of a log of certificates that is to say it has seen this one; needs an issuer. */
  readonly seenBy?: TestKey;
  /** Spoils the signature. */
  readonly badSignature?: boolean;
}

export interface TestCertificate {
  readonly der: Buffer;
  readonly pem: string;
  readonly key: TestKey;
  readonly subject: string;
  /** DER, as a timestamp names its signer. */
  readonly issuerName: Buffer;
  readonly serial: Buffer;
}

const day = 24 * 60 * 60 * 1000;
let serial = 1;

/** The time of tests, whole seconds: certificates are valid a day on each side of it, unless they say otherwise. */
export const testTime = new Date(Math.floor(Date.now() / 1000) * 1000);

/** So many days from {@link testTime}. */
export function daysOn(days: number): Date {
  return new Date(testTime.getTime() + days * day);
}

/** Makes and signs a certificate. */
export function makeCertificate(options: CertificateOptions = {}): TestCertificate {
  const { subject = "leaf", key = testKey("p256"), version = 3, extensions = [] } = options;
  const signer = options.issuer?.key ?? key;
  const algorithm = algorithmFor(signer, options.hash ?? "sha256");
  serial += 1;
  const issuerName = nameOf(options.issuerName ?? options.issuer?.subject ?? subject);
  const number = integer(serial);
  const tbsWith = (all: readonly Uint8Array[]) =>
    sequence(
      ...(version === 1 ? [] : [der(0xa0, integer(version - 1))]),
      number,
      options.innerAlgorithm ?? algorithm,
      issuerName,
      sequence(time(options.notBefore ?? daysOn(-1)), time(options.notAfter ?? daysOn(1))),
      nameOf(subject),
      key.publicKey.export({ format: "der", type: "spki" }),
      ...(all.length > 0 ? [der(0xa3, sequence(...all))] : []),
    );
  const { seenBy } = options;
  const tbs = tbsWith(
    seenBy ? [...extensions, sctExtension(tbsWith(extensions), signer, seenBy)] : extensions,
  );
  const signature = signTbs(tbs, signer, options.hash ?? "sha256");
  if (options.badSignature) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  const bytes = sequence(tbs, algorithm, bits(signature));
  return {
    der: bytes,
    pem: toPem("CERTIFICATE", bytes),
    key,
    subject,
    issuerName,
    serial: integer(serial),
  };
}

/** A certificate that may sign others. */
export function makeCa(options: CertificateOptions = {}): TestCertificate {
  const { subject = "root", extensions = [] } = options;
  return makeCertificate({
    ...options,
    subject,
    extensions: [basicConstraints(true), keyUsage(5, 6), ...extensions],
  });
}

export function extension(id: string, value: Uint8Array, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [bool(true)] : []), der(0x04, value));
}

export function basicConstraints(isCa: boolean, pathLength?: number): Buffer {
  const members = [
    ...(isCa ? [bool(true)] : []),
    ...(pathLength === undefined ? [] : [integer(pathLength)]),
  ];
  return extension("2.5.29.19", sequence(...members), true);
}

/** By bit numbers: 0 digitalSignature, 5 keyCertSign, 6 cRLSign. */
export function keyUsage(...numbers: readonly number[]): Buffer {
  let octet = 0;
  for (const number of numbers) octet |= 0x80 >> number;
  return extension("2.5.29.15", bits(Buffer.of(octet)), true);
}

export const usages = {
  codeSigning: "1.3.6.1.5.5.7.3.3",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  any: "2.5.29.37.0",
} as const;

export function extKeyUsage(...ids: readonly string[]): Buffer {
  return extension("2.5.29.37", sequence(...ids.map(oid)));
}

const nameTags = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const;

export interface AltName {
  readonly email?: string;
  readonly dns?: string;
  readonly uri?: string;
  readonly ip?: Uint8Array;
}

export function altNames(names: readonly AltName[], critical = true): Buffer {
  const parts = names.flatMap((name) =>
    Object.entries(name).map(([kind, value]) =>
      der(nameTags[kind as keyof typeof nameTags], Buffer.from(value as string | Uint8Array)),
    ),
  );
  return extension("2.5.29.17", sequence(...parts), critical);
}

/** Fulcio's OIDC issuer: the first extension holds bare text, the second DER. */
export function issuerV1(issuer: string): Buffer {
  return extension("1.3.6.1.4.1.57264.1.1", Buffer.from(issuer));
}

export function issuerV2(issuer: string): Buffer {
  return extension("1.3.6.1.4.1.57264.1.8", utf8(issuer));
}

export function toPem(type: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${type}-----`, ...lines, `-----END ${type}-----`, ""].join("\n");
}

/** A log's word that it has seen a certificate — RFC 6962 § 3.2. */
function sctExtension(tbs: Buffer, issuer: TestKey, log: TestKey): Buffer {
  const sized = (bytes: Uint8Array, octets: number) => {
    const length = Buffer.alloc(octets);
    length.writeUIntBE(bytes.length, 0, octets);
    return Buffer.concat([length, bytes]);
  };
  const digest = ({ publicKey }: TestKey) =>
    createHash("sha256")
      .update(publicKey.export({ format: "der", type: "spki" }))
      .digest();
  const at = Buffer.alloc(8);
  at.writeBigUInt64BE(BigInt(testTime.getTime() - 7_200_000));
  const none = Buffer.alloc(2);
  const seen = Buffer.concat([
    Buffer.of(0, 0),
    at,
    Buffer.of(0, 1),
    digest(issuer),
    sized(tbs, 3),
    none,
  ]);
  const signature = sign("sha256", seen, log.privateKey);
  const sct = [Buffer.of(0), digest(log), at, none, Buffer.of(4, 3), sized(signature, 2)];
  const list = sized(sized(Buffer.concat(sct), 2), 2);
  return extension("1.3.6.1.4.1.11129.2.4.2", der(0x04, list));
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid("2.5.4.3"), utf8(commonName))));
}

const hashIds = {
  rsa: { sha1: 5, sha256: 11, sha384: 12, sha512: 13 },
  ec: { sha256: 2, sha384: 3, sha512: 4 },
} as const;

function algorithmFor(
  { publicKey }: TestKey,
  hash: "sha1" | "sha256" | "sha384" | "sha512",
): Buffer {
  switch (publicKey.asymmetricKeyType) {
    case "rsa":
      return sequence(oid(`1.2.840.113549.1.1.${hashIds.rsa[hash]}`), derNull);
    case "ed25519":
      return sequence(oid("1.3.101.112"));
    default:
      if (hash === "sha1") return sequence(oid("1.2.840.10045.4.1"));
      return sequence(oid(`1.2.840.10045.4.3.${hashIds.ec[hash]}`));
  }
}

function signTbs(tbs: Buffer, { privateKey }: TestKey, hash: string): Buffer {
  return sign(privateKey.asymmetricKeyType === "ed25519" ? null : hash, tbs, privateKey);
}
