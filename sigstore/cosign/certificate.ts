import { type KeyObject, X509Certificate } from "node:crypto";
import { SignatureError } from "../errors.ts";
import { type AltNames, noNames, parseAltNames } from "./alt-names.ts";
import {
  checkInteger,
  DerError,
  DerReader,
  derTags,
  parseBoolean,
  parseOctetBits,
  parseOid,
  parseSmallInteger,
  parseTime,
  readDer,
} from "./der.ts";
import { parseSpki } from "./public-key.ts";
import { type SignatureAlgorithm, signatureAlgorithmOf } from "./signature-algorithm.ts";

/** Extensions of RFC 5280 § 4.2 that decide something here. */
export const extensionOids = {
  keyUsage: "2.5.29.15",
  altNames: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  policyConstraints: "2.5.29.36",
  extKeyUsage: "2.5.29.37",
} as const;

/** Those that say nothing about whether a signature counts, and may be critical all the same. */
const harmlessWhenCritical: ReadonlySet<string> = new Set(["2.5.29.31", "2.5.29.32"]);

const understood: ReadonlySet<string> = new Set([
  extensionOids.keyUsage,
  extensionOids.basicConstraints,
  extensionOids.extKeyUsage,
]);

/** An X.509 certificate, read and not yet believed — RFC 5280 § 4.1. */
export interface Certificate {
  readonly raw: Uint8Array;
  readonly version: number;
  /** Names as they were written: they are compared byte for byte. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Hex. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly spki: Uint8Array;
  /** Undefined where the key is of a kind that no signature is taken from. */
  readonly publicKey: KeyObject | undefined;
  readonly algorithm: SignatureAlgorithm | undefined;
  /** By object identifier; none occurs twice. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
  readonly basicConstraints: { readonly isCa: boolean; readonly pathLength?: number } | undefined;
  /** The bits by number; undefined where nothing is said. */
  readonly keyUsage: ReadonlySet<number> | undefined;
  readonly extKeyUsage: readonly string[] | undefined;
  readonly altNames: AltNames;
  /** Critical, and not understood here, name constraints included. */
  readonly unhandled: readonly string[];
  /** Whether the key of `issuer` signed this; the algorithm is another question. */
  isSignedBy(issuer: Certificate): boolean;
}

/** @throws {SignatureError} `signature.bad-certificate` */
export function parseCertificate(der: Uint8Array): Certificate {
  try {
    return readCertificate(der);
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw bad(`x509: malformed certificate: ${cause.message}`, cause);
  }
}

function readCertificate(der: Uint8Array): Certificate {
  const outer = readDer(der, derTags.sequence);
  const tbs = outer.enter(derTags.sequence);
  const outerAlgorithm = outer.read(derTags.sequence).raw;
  parseOctetBits(outer.read(derTags.bitString).content);
  outer.end();
  const version = readVersion(tbs);
  const serial = tbs.read(derTags.integer).content;
  checkInteger(serial);
  if (!Buffer.from(tbs.read(derTags.sequence).raw).equals(outerAlgorithm)) {
    throw bad("x509: inner and outer signature algorithm identifiers don't match");
  }
  const issuer = readName(tbs);
  const validity = tbs.enter(derTags.sequence);
  const notBefore = parseTime(validity.read());
  const notAfter = parseTime(validity.read());
  validity.end();
  const subject = readName(tbs);
  const spki = tbs.read(derTags.sequence).raw;
  tbs.readIf(0x81);
  tbs.readIf(0x82);
  const extensions = readExtensions(tbs, version);
  tbs.end();
  const opened = openWithNode(der);
  return {
    raw: der,
    version,
    issuer,
    subject,
    serial: Buffer.from(serial).toString("hex"),
    notBefore,
    notAfter,
    spki,
    publicKey: keyOf(spki),
    algorithm: signatureAlgorithmOf(outerAlgorithm),
    ...readKnown(extensions),
    isSignedBy: ({ publicKey }) => publicKey !== undefined && verifies(opened, publicKey),
  };
}

function readVersion(tbs: DerReader): number {
  if (tbs.peek() !== 0xa0) return 1;
  const explicit = tbs.enter(0xa0);
  const version = parseSmallInteger(explicit.read(derTags.integer).content) + 1;
  explicit.end();
  if (version < 1 || version > 3) throw bad("x509: invalid version");
  return version;
}

function readName(tbs: DerReader): Uint8Array {
  const name = tbs.read(derTags.sequence);
  const sets = new DerReader(name.content);
  while (!sets.atEnd) {
    const set = sets.enter(derTags.set);
    while (!set.atEnd) {
      const attribute = set.enter(derTags.sequence);
      parseOid(attribute.read(derTags.oid).content);
      attribute.read();
      attribute.end();
    }
  }
  return name.raw;
}

interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

function readExtensions(tbs: DerReader, version: number): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  if (tbs.peek() !== 0xa3) return found;
  if (version !== 3) throw bad("x509: malformed certificate: extensions need version 3");
  const explicit = tbs.enter(0xa3);
  const list = explicit.enter(derTags.sequence);
  explicit.end();
  while (!list.atEnd) {
    const extension = list.enter(derTags.sequence);
    const oid = parseOid(extension.read(derTags.oid).content);
    const critical = extension.readIf(derTags.boolean);
    const value = extension.read(derTags.octetString).content;
    extension.end();
    if (found.has(oid)) {
      throw bad(`x509: certificate contains duplicate extension with OID "${oid}"`);
    }
    found.set(oid, { critical: critical !== undefined && parseBoolean(critical.content), value });
  }
  return found;
}

type Known = Pick<
  Certificate,
  "extensions" | "basicConstraints" | "keyUsage" | "extKeyUsage" | "altNames" | "unhandled"
>;

function readKnown(extensions: ReadonlyMap<string, Extension>): Known {
  const read = <T>(oid: string, parse: (value: Uint8Array) => T): T | undefined => {
    const extension = extensions.get(oid);
    return extension && parse(extension.value);
  };
  const altNames = read(extensionOids.altNames, parseAltNames) ?? noNames;
  return {
    extensions: new Map([...extensions].map(([oid, { value }]) => [oid, value])),
    basicConstraints: read(extensionOids.basicConstraints, parseBasicConstraints),
    keyUsage: read(extensionOids.keyUsage, parseKeyUsage),
    extKeyUsage: read(extensionOids.extKeyUsage, parseExtKeyUsage),
    altNames,
    unhandled: [...extensions]
      .filter(([oid, found]) => isUnhandled(oid, found, altNames))
      .map(([oid]) => oid),
  };
}

/** Constraints on names and policies are refused wherever they stand: nothing here would hold a chain to them. */
function isUnhandled(oid: string, { critical }: Extension, names: AltNames): boolean {
  switch (oid) {
    case extensionOids.nameConstraints:
    case extensionOids.policyConstraints:
      return true;
    case extensionOids.altNames:
      return critical && Object.values(names).every((found) => found.length === 0);
    default:
      return critical && !understood.has(oid) && !harmlessWhenCritical.has(oid);
  }
}

function parseBasicConstraints(value: Uint8Array): { isCa: boolean; pathLength?: number } {
  const members = readDer(value, derTags.sequence);
  const ca = members.readIf(derTags.boolean);
  const length = members.readIf(derTags.integer);
  members.end();
  return {
    isCa: ca !== undefined && parseBoolean(ca.content),
    ...(length && { pathLength: parseSmallInteger(length.content) }),
  };
}

function parseKeyUsage(value: Uint8Array): ReadonlySet<number> {
  const reader = new DerReader(value);
  const [unused = 8, ...octets] = reader.read(derTags.bitString).content;
  reader.end();
  if (unused > 7 || octets.length > 2) throw new DerError("malformed key usage");
  const bits = octets.flatMap((octet, index) =>
    Array.from({ length: 8 }, (_, bit) => (octet & (0x80 >> bit) ? index * 8 + bit : -1)),
  );
  return new Set(bits.filter((bit) => bit >= 0));
}

function parseExtKeyUsage(value: Uint8Array): readonly string[] {
  const list = readDer(value, derTags.sequence);
  const usages: string[] = [];
  while (!list.atEnd) usages.push(parseOid(list.read(derTags.oid).content));
  return usages;
}

/** A second reader: what OpenSSL does not take for a certificate is none. */
function openWithNode(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw bad("x509: malformed certificate", cause);
  }
}

function verifies(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.verify(key);
  } catch {
    return false;
  }
}

function keyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    return parseSpki(spki);
  } catch (error) {
    if (error instanceof SignatureError) return undefined;
    throw error;
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.bad-certificate", message, { cause });
}
