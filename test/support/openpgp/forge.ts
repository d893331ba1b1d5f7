import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { mpi, packet, subpacket, uint16, uint32 } from "./packets.ts";

/** A key made here, so that anything can be signed with it. */
export interface ForgedKey {
  readonly algorithm: number;
  /** Content of its packet. */
  readonly body: Buffer;
  readonly hashed: Buffer;
  readonly fingerprint: string;
  /** What stands in a signature packet for these bytes. */
  sign(hash: string, signed: Uint8Array): Buffer;
}

export type KeyKind =
  | "ed25519"
  | "ed25519-rfc9580"
  | "rsa2048"
  | "rsa1024"
  | "p256"
  | "p384"
  | "p521"
  | "brainpool"
  | "secp256k1"
  | "dsa";

const curves: Readonly<Record<string, readonly [name: string, id: string]>> = {
  p256: ["P-256", "2a8648ce3d030107"],
  p384: ["P-384", "2b81040022"],
  p521: ["P-521", "2b81040023"],
  brainpool: ["brainpoolP256r1", "2b2403030208010107"],
  secp256k1: ["secp256k1", "2b8104000a"],
};

/** A new key of this kind, made at `created`, seconds since the epoch. */
export function forgeKey(kind: KeyKind, created: number): ForgedKey {
  if (kind === "ed25519" || kind === "ed25519-rfc9580") return ed25519(kind, created);
  if (kind === "rsa2048" || kind === "rsa1024")
    return rsa(kind === "rsa1024" ? 1024 : 2048, created);
  if (kind === "dsa") return dsa(created);
  return ecdsa(kind, created);
}

type Sign = ForgedKey["sign"];

function ed25519(kind: KeyKind, created: number): ForgedKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const point = raw(publicKey, 32);
  const signing = (hash: string, signed: Uint8Array) =>
    sign(null, createHash(hash).update(signed).digest(), privateKey);
  if (kind === "ed25519-rfc9580") return key(27, created, point, signing);
  const id = Buffer.from("092b06010401da470f01", "hex");
  const material = Buffer.concat([id, mpi(Buffer.concat([Buffer.from([0x40]), point]))]);
  return key(22, created, material, (hash, signed) => halves(signing(hash, signed)));
}

function rsa(modulusLength: number, created: number): ForgedKey {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const material = Buffer.concat([
    mpi(Buffer.from(n, "base64url")),
    mpi(Buffer.from(e, "base64url")),
  ]);
  return key(1, created, material, (hash, signed) => mpi(sign(hash, signed, privateKey)));
}

function ecdsa(kind: string, created: number): ForgedKey {
  const [namedCurve = "", hex = ""] = curves[kind] ?? [];
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
  const id = Buffer.from(hex, "hex");
  const size = { "P-384": 48, "P-521": 66 }[namedCurve] ?? 32;
  const point = raw(publicKey, 2 * size + 1);
  const material = Buffer.concat([Buffer.from([id.length]), id, mpi(point)]);
  return key(19, created, material, (hash, signed) =>
    halves(sign(hash, signed, { key: privateKey, dsaEncoding: "ieee-p1363" })),
  );
}

/** Numbers of the right length and no meaning: nobody here verifies them. */
function dsa(created: number): ForgedKey {
  const numbers = [256, 32, 256, 256].map((size) => mpi(randomBytes(size)));
  return key(17, created, Buffer.concat(numbers), () => halves(randomBytes(64)));
}

function raw(publicKey: KeyObject, size: number): Buffer {
  return publicKey.export({ format: "der", type: "spki" }).subarray(-size);
}

function halves(value: Buffer): Buffer {
  const middle = value.length / 2;
  return Buffer.concat([mpi(value.subarray(0, middle)), mpi(value.subarray(middle))]);
}

function key(algorithm: number, created: number, material: Uint8Array, signing: Sign): ForgedKey {
  const body = Buffer.concat([
    Buffer.from([4]),
    uint32(created),
    Buffer.from([algorithm]),
    material,
  ]);
  const hashed = Buffer.concat([Buffer.from([0x99]), uint16(body.length), body]);
  const fingerprint = createHash("sha1").update(hashed).digest("hex").toUpperCase();
  return { algorithm, body, hashed, fingerprint, sign: signing };
}

/** What a signature to forge is like; the rest is as GnuPG has it. */
export interface SignatureShape {
  readonly type?: number;
  readonly hash?: "md5" | "sha1" | "ripemd160" | "sha256" | "sha384" | "sha512" | "sha224";
  readonly created: number;
  readonly version?: 3 | 4;
  /** More subpackets. */
  readonly hashed?: readonly Uint8Array[];
  readonly unhashed?: readonly Uint8Array[];
  /** Issuers instead of the key's own. */
  readonly issuers?: {
    readonly hashed: readonly Uint8Array[];
    readonly unhashed: readonly Uint8Array[];
  };
  /** Leaves out the time. */
  readonly timeless?: boolean;
}

export const hashNumbers = {
  md5: 1,
  sha1: 2,
  ripemd160: 3,
  sha256: 8,
  sha384: 9,
  sha512: 10,
  sha224: 11,
} as const;

/** The content of a signature packet over `content`. */
export function signatureBody(
  by: ForgedKey,
  shape: SignatureShape,
  ...content: readonly Uint8Array[]
): Buffer {
  const { type = 0, hash = "sha256", created, version = 4 } = shape;
  if (version === 3) return bodyV3(by, type, hash, created, content);
  const keyId = subpacket(16, Buffer.from(by.fingerprint.slice(-16), "hex"));
  const fingerprint = subpacket(33, Buffer.from(`04${by.fingerprint}`, "hex"));
  const issuers = shape.issuers ?? { hashed: [fingerprint], unhashed: [keyId] };
  const time = shape.timeless ? [] : [subpacket(2, uint32(created))];
  const hashed = Buffer.concat([...time, ...issuers.hashed, ...(shape.hashed ?? [])]);
  const unhashed = Buffer.concat([...issuers.unhashed, ...(shape.unhashed ?? [])]);
  const head = Buffer.concat([
    Buffer.from([4, type, by.algorithm, hashNumbers[hash]]),
    uint16(hashed.length),
    hashed,
  ]);
  const signed = Buffer.concat([...content, head, Buffer.from([4, 0xff]), uint32(head.length)]);
  return Buffer.concat([
    head,
    uint16(unhashed.length),
    unhashed,
    start(hash, signed),
    by.sign(hash, signed),
  ]);
}

function bodyV3(
  by: ForgedKey,
  type: number,
  hash: keyof typeof hashNumbers,
  created: number,
  content: readonly Uint8Array[],
): Buffer {
  const trailer = Buffer.concat([Buffer.from([type]), uint32(created)]);
  const signed = Buffer.concat([...content, trailer]);
  const keyId = Buffer.from(by.fingerprint.slice(-16), "hex");
  const methods = Buffer.from([by.algorithm, hashNumbers[hash]]);
  const head = Buffer.concat([Buffer.from([3, 5]), trailer, keyId, methods]);
  return Buffer.concat([head, start(hash, signed), by.sign(hash, signed)]);
}

function start(hash: string, signed: Uint8Array): Buffer {
  return createHash(hash).update(signed).digest().subarray(0, 2);
}

/** A one-pass packet, a literal one and a signature one, each as a packet. */
export function messageParts(by: ForgedKey, shape: SignatureShape, content: Uint8Array) {
  const { type = 0, hash = "sha256" } = shape;
  const keyId = Buffer.from(by.fingerprint.slice(-16), "hex");
  const methods = Buffer.from([3, type, hashNumbers[hash], by.algorithm]);
  return {
    onePass: packet(4, methods, keyId, Buffer.from([1])),
    literal: literal(content),
    signature: packet(2, signatureBody(by, shape, content)),
  };
}

/** A literal packet. */
export function literal(content: Uint8Array, name = ""): Buffer {
  const head = Buffer.concat([Buffer.from([0x62, name.length]), Buffer.from(name), uint32(0)]);
  return packet(11, head, content);
}

/** A signed message. */
export function forgeMessage(by: ForgedKey, shape: SignatureShape, content: Uint8Array): Buffer {
  const { onePass, literal, signature } = messageParts(by, shape, content);
  return Buffer.concat([onePass, literal, signature]);
}
