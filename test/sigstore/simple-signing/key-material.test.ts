import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader } from "../../../sigstore/simple-signing/openpgp/byte-reader.ts";
import { type HashUse, hashName } from "../../../sigstore/simple-signing/openpgp/hashes.ts";
import { readKeyMaterial } from "../../../sigstore/simple-signing/openpgp/key-material.ts";
import { forgeKey } from "../../support/openpgp/forge.ts";
import { mpi } from "../../support/openpgp/packets.ts";

const join = (...parts: readonly Uint8Array[]) => Buffer.concat(parts);
const hex = (text: string) => Buffer.from(text, "hex");

/** What is read of these bytes, and how many are left of two behind them. */
function read(algorithm: number, ...material: readonly Uint8Array[]) {
  const reader = new ByteReader(join(...material, hex("0000")));
  const { label, key, size } = readKeyMaterial(reader, algorithm);
  return { label, hasKey: key !== undefined, size, left: reader.left };
}

const none = (label: string) => ({ label, hasKey: false, size: 0, left: 2 });

/** An odd number of so many bits. */
function modulus(bits: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0x5b);
  bytes[0] = 1 << ((bits - 1) % 8);
  return bytes;
}

const f4 = hex("010001");

test("readKeyMaterial() takes RSA of 2048 bits and up to 16384, under either number", () => {
  for (const [bits, exponent, isTaken] of [
    [2047, f4, false],
    [2048, f4, true],
    [3072, f4, true],
    [16_384, f4, true],
    [16_385, f4, false],
    [2048, hex("0100000000000001"), true],
    [2048, hex("010000000000000001"), false],
  ] as const) {
    const size = isTaken ? Math.ceil(bits / 8) : 0;
    const expected = { label: `RSA ${bits}`, hasKey: isTaken, size, left: 2 };
    for (const algorithm of [1, 3]) {
      assert.deepEqual(read(algorithm, mpi(modulus(bits)), mpi(exponent)), expected);
    }
  }
});

test("readKeyMaterial() takes points on curves that it knows, and of their length", () => {
  const sizes = { p256: 32, p384: 48, p521: 66, brainpool: 32, secp256k1: 32 } as const;
  for (const [kind, size] of Object.entries(sizes)) {
    const { body } = forgeKey(kind as keyof typeof sizes, 0);
    const { label, ...found } = read(19, body.subarray(6));
    assert.match(label, /^ECDSA [A-Za-z]+-?\d/);
    assert.deepEqual(found, { hasKey: true, size, left: 2 });
  }
  const p256 = hex("082a8648ce3d030107");
  const unknown = none("ECDSA of an unknown curve");
  assert.deepEqual(read(19, p256, mpi(Buffer.alloc(64, 4))), unknown);
  assert.deepEqual(read(19, p256, mpi(Buffer.alloc(66, 4))), unknown);
  assert.deepEqual(read(19, hex("03010203"), mpi(Buffer.alloc(65, 4))), unknown);
  const off = { label: "ECDSA P-256", hasKey: false, size: 32, left: 2 };
  assert.deepEqual(read(19, p256, mpi(Buffer.alloc(65, 4))), off);
});

test("readKeyMaterial() takes EdDSA on Ed25519 alone, of 32 bytes behind 0x40", () => {
  const id = hex("092b06010401da470f01");
  const point = Buffer.alloc(32, 9);
  const taken = { label: "Ed25519", hasKey: true, size: 32, left: 2 };
  assert.deepEqual(read(22, id, mpi(join(hex("40"), point))), taken);
  assert.deepEqual(read(27, point), taken);
  const unknown = none("EdDSA of an unknown curve");
  assert.deepEqual(read(22, hex("0a2b060104019755010501"), mpi(join(hex("40"), point))), unknown);
  assert.deepEqual(read(22, id, mpi(join(hex("41"), point))), unknown);
  assert.deepEqual(read(22, id, mpi(join(hex("40"), point.subarray(1)))), unknown);
  assert.deepEqual(read(22, id, mpi(join(hex("40"), point, point))), unknown);
  assert.deepEqual(read(22, id, mpi(point)), unknown);
});

test("readKeyMaterial() reads past what does not sign, to the byte", () => {
  const number = mpi(hex("1234"));
  const others: readonly (readonly [algorithm: number, label: string, ...Uint8Array[]])[] = [
    [2, "algorithm 2", number, number],
    [16, "algorithm 16", number, number, number],
    [17, "DSA", number, number, number, number],
    [18, "algorithm 18", hex("022b06"), number, hex("03010807")],
    [25, "algorithm 25", Buffer.alloc(32)],
    [26, "algorithm 26", Buffer.alloc(56)],
    [28, "algorithm 28", Buffer.alloc(57)],
  ];
  for (const [algorithm, label, ...material] of others) {
    assert.deepEqual(read(algorithm, ...material), none(label));
  }
});

test("readKeyMaterial() refuses other numbers, and lengths of a name that are reserved", () => {
  for (const algorithm of [0, 4, 15, 20, 21, 23, 24, 29, 99]) {
    const material = Buffer.alloc(300, 1);
    assert.throws(() => read(algorithm, material), { code: "signature.malformed" });
  }
  for (const algorithm of [18, 19, 22]) {
    for (const length of [0, 255]) {
      const material = join(Buffer.of(length), Buffer.alloc(600));
      assert.throws(() => read(algorithm, material), { code: "signature.malformed" });
    }
    const longest = join(Buffer.of(254), Buffer.alloc(600));
    assert.doesNotThrow(() => read(algorithm, longest));
  }
});

test("hashName() says which hash is good for what", () => {
  const names: Readonly<Record<number, readonly [name: string, ...uses: readonly HashUse[]]>> = {
    1: ["md5", "revocation"],
    2: ["sha1", "self", "revocation"],
    3: ["ripemd160", "revocation"],
    8: ["sha256", "data", "self", "revocation"],
    9: ["sha384", "data", "self", "revocation"],
    10: ["sha512", "data", "self", "revocation"],
    11: ["sha224", "data", "self", "revocation"],
    12: ["sha3-256", "self", "revocation"],
    14: ["sha3-512", "self", "revocation"],
  };
  for (let number = 0; number < 256; number++) {
    const [name, ...uses] = names[number] ?? [""];
    for (const use of ["data", "self", "revocation"] as const) {
      const expected = uses.includes(use) ? name : undefined;
      assert.equal(hashName(number, use), expected, `${number} for ${use}`);
    }
  }
});
