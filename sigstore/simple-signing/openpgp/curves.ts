/** An elliptic curve for signatures. */
export interface Curve {
  readonly name: string;
  /** The object identifier's content, as OpenPGP and ASN.1 have it. */
  readonly id: Uint8Array;
  /** Bytes of a coordinate, and of each half of a signature. */
  readonly size: number;
}

/** RFC 9580 § 9.2, and secp256k1 of GnuPG. */
const curves: readonly Curve[] = [
  curve("P-256", "2a8648ce3d030107", 32),
  curve("P-384", "2b81040022", 48),
  curve("P-521", "2b81040023", 66),
  curve("brainpoolP256r1", "2b2403030208010107", 32),
  curve("brainpoolP384r1", "2b240303020801010b", 48),
  curve("brainpoolP512r1", "2b240303020801010d", 64),
  curve("secp256k1", "2b8104000a", 32),
];

/** The curve of the older encoding of Ed25519, which is a multiprecision integer that starts with 0x40. */
export const ed25519Legacy: Curve = curve("Ed25519", "2b06010401da470f01", 32);

/** The curve with this object identifier, if ECDSA is possible there. */
export function findCurve(id: Uint8Array): Curve | undefined {
  return curves.find((known) => Buffer.compare(known.id, id) === 0);
}

function curve(name: string, id: string, size: number): Curve {
  return { name, id: Buffer.from(id, "hex"), size };
}
