import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import { describeKeys } from "../../../sigstore/simple-signing/describe-keys.ts";
import { armored } from "../../support/openpgp/armored.ts";
import {
  backSignature,
  certificate,
  certifies,
  embedded,
  keyFlags,
  keyLifetime,
  onKey,
  onSubkey,
  primaryPacket,
  revoker,
  signs,
  subkeyPacket,
  userId,
} from "../../support/openpgp/certificate.ts";
import { type ForgedKey, forgeKey, forgeMessage } from "../../support/openpgp/forge.ts";
import { oldPacket, packet } from "../../support/openpgp/packets.ts";
import { payload, verdict } from "../../support/openpgp/verify.ts";

const day = 86_400;
const now = Math.floor(Date.now() / 1000);
const born = now - 100 * day;
const key = forgeKey("ed25519", born);
const other = forgeKey("p256", born);
const message = forgeMessage(key, { created: now - day }, payload);
const join = (...parts: readonly Uint8Array[]) => Buffer.concat(parts);
const text = (...lines: readonly string[]) => Buffer.from(lines.join("\n"));

const own = certificate(key, { created: born });
const theirs = certificate(other, { created: born });
const armor = armored(own).toString();
const unchecked = armor.replace(/\n=.{4}\n/, "\n");
const secret = join(
  packet(5, key.body, Buffer.from([0]), Buffer.alloc(36)),
  userId(key, "a", { created: born }),
);
/** Its point is changed, and all that is said of it is as if it were its own word. */
const offCurve = ((): ForgedKey => {
  const body = Buffer.from(other.body);
  body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
  const hashed = join(other.hashed.subarray(0, 3), body);
  const fingerprint = createHash("sha1").update(hashed).digest("hex").toUpperCase();
  return { ...other, body, hashed, fingerprint };
})();
const revocation = onKey(key, { type: 0x20, created: now - day });
/** Statements about the name, of no weight. */
const statement = onKey(key, { type: 0x30, created: born });
const byOther = onKey(key, { type: 0x30, created: born }, other);
const untrusted = "signature.bad-trust";
const unknown = "signature.unknown-key";
const accepted = "accepted";

/** Names as in `specs` signing.md, appendix A, E15. */
const files: readonly (readonly [name: string, files: readonly Uint8Array[], says: string])[] = [
  ["binary", [own], accepted],
  ["E15k: armoured", [armored(own)], accepted],
  ["armoured, CR LF", [Buffer.from(armor.replaceAll("\n", "\r\n"))], accepted],
  [
    "armoured, with headers",
    [Buffer.from(armor.replace("\n\n", "\nVersion: 1\nComment: a: b\n\n"))],
    accepted,
  ],
  [
    "armoured, with a header of no form",
    [Buffer.from(armor.replace("\n\n", "\nVersion\n\n"))],
    untrusted,
  ],
  ["armoured, without an empty line", [Buffer.from(armor.replace("\n\n", "\n"))], untrusted],
  ["armoured, without a checksum", [Buffer.from(armor.replace(/\n=.{4}\n/, "\n"))], accepted],
  [
    "armoured, with a wrong checksum",
    [Buffer.from(armor.replace(/\n=.{4}\n/, "\n=AAAA\n"))],
    untrusted,
  ],
  ["armoured, not base64", [Buffer.from(armor.replace("\n\n", "\n\n*"))], untrusted],
  ["armoured, four signs not base64", [Buffer.from(armor.replace("\n\n", "\n\n****"))], untrusted],
  [
    "armoured, no four signs",
    [Buffer.from(unchecked.replace("\n-----END", "A\n-----END"))],
    untrusted,
  ],
  [
    "armoured, more behind the checksum",
    [Buffer.from(armor.replace(/\n=.{4}\n/, "$&AA"))],
    untrusted,
  ],
  ["armoured, a checksum too long", [Buffer.from(armor.replace(/\n=.{4}/, "$&AA"))], untrusted],
  ["armoured, behind something", [Buffer.from(`x${armor}`)], untrusted],
  ["armoured, something behind it", [Buffer.from(`${armor.trimEnd()}x\n`)], untrusted],
  [
    "armoured, a header of two colons",
    [Buffer.from(armor.replace("\n\n", "\na:b: c\n\n"))],
    untrusted,
  ],
  [
    "armoured, no empty line, CR at its end",
    [Buffer.from(armor.replace("\n\n", "\n").replace("\n-----END", "\r-----END"))],
    untrusted,
  ],
  ["armoured, cut off", [Buffer.from(armor.slice(0, 200))], untrusted],
  ["armoured, text around it", [text("hello", armor, "bye")], accepted],
  [
    "armoured, of another kind",
    [Buffer.from(armor.replaceAll("PUBLIC KEY BLOCK", "MESSAGE"))],
    untrusted,
  ],
  [
    "armoured, other words at its end",
    [Buffer.from(armor.replace("END PGP PUBLIC", "END PGP PRIVATE"))],
    untrusted,
  ],
  ["E15o: two armoured blocks", [join(armored(theirs), armored(own))], accepted],
  [
    "E15o, the first one damaged",
    [join(Buffer.from(armor.replace(/\n=.{4}\n/, "\n=AAAA\n")), armored(own))],
    accepted,
  ],
  ["E15p: two binary ones", [join(theirs, own)], accepted],
  ["E15q: two files", [theirs, armored(own)], accepted],
  ["E15s: garbage beside it", [own, Buffer.from("garbage")], accepted],
  ["E15m: garbage alone", [Buffer.from("garbage")], untrusted],
  ["binary garbage alone", [Buffer.from([0xff, 0xff, 0, 1])], untrusted],
  ["E15n: empty", [Buffer.alloc(0)], untrusted],
  ["E15d: no file", [], untrusted],
  ["E15t: a secret key", [secret], accepted],
  ["a secret key, armoured", [armored(secret, "PRIVATE")], accepted],
  ["E15u: a keybox", [join(Buffer.from([0, 0, 0, 32, 1, 1]), Buffer.from("KBXf"), own)], untrusted],
  ["E15v: garbage behind it", [join(own, Buffer.from("garbage"))], untrusted],
  ["garbage behind the second", [join(own, theirs, Buffer.from("garbage"))], accepted],
  ["a message behind it", [join(own, message)], untrusted],
  [
    "a marker and packets of no use",
    [join(packet(10, Buffer.from("PGP")), own, packet(60), packet(12, Buffer.from("x")))],
    accepted,
  ],
  ["old headers", [join(oldPacket(6, 2, key.body), userId(key, "a", { created: born }))], accepted],
  ["another key only", [theirs], unknown],
  ["a name and no key", [userId(key, "a", { created: born })], untrusted],
  ["a key of version 3", [packet(6, Buffer.from([3]), key.body.subarray(1))], untrusted],
  ["a key of version 6", [join(packet(6, Buffer.from([6]), key.body.subarray(1)), own)], accepted],
  [
    "a key of an unknown algorithm",
    [packet(6, key.body.subarray(0, 5), Buffer.from([99, 1, 2, 3]))],
    untrusted,
  ],
  [
    "a key with bytes behind it",
    [join(packet(6, key.body, Buffer.from([0])), userId(key, "a", { created: born }))],
    untrusted,
  ],
  [
    "a subkey that cannot be read",
    [join(own, packet(14, Buffer.from([9, 9])), packet(2, Buffer.from([9])))],
    accepted,
  ],
  [
    "a name behind a key that cannot be read",
    [join(primaryPacket(key), packet(6, Buffer.from([3])), userId(key, "a", { created: born }))],
    untrusted,
  ],
  [
    "a statement about a name behind an attribute",
    [
      join(
        primaryPacket(key),
        packet(13, Buffer.from("a")),
        packet(17, Buffer.from("x")),
        userId(key, "a", { created: born }).subarray(7),
      ),
    ],
    untrusted,
  ],
  ["a key whose point is not on its curve", [certificate(offCurve, { created: born })], unknown],
  ["a subkey before any key", [join(subkeyPacket(key), own)], accepted],
  ["a signature that cannot be read", [join(own, packet(2, Buffer.from([5])))], accepted],
  ["revoked in another file", [own, join(primaryPacket(key), revocation)], "signature.revoked-key"],
  [
    "revoked by the ready-made revocation alone",
    [own, armored(revocation)],
    "signature.revoked-key",
  ],
  ["renewed in another file", [expiring(50), expiring(300, now - day)], accepted],
  [
    "a key of 2,000 statements, and more by others",
    [join(own, ...Array.from({ length: 1_999 }, () => statement), ...Array(10).fill(byOther))],
    accepted,
  ],
  [
    "a key of 2,001 statements",
    [join(own, ...Array.from({ length: 2_000 }, () => statement))],
    untrusted,
  ],
];

function expiring(days: number, created = born): Buffer {
  const hashed = [keyFlags(certifies | signs), keyLifetime(days * day)];
  return join(primaryPacket(key), userId(key, "a", { created, hashed }));
}

for (const [name, keys, says] of files) {
  test(`verify() by key file: ${name}: ${says}`, async () => {
    assert.equal(await verdict(keys, message), says);
  });
}

test("describeKeys() tells what a key is, what it is called and until when", () => {
  const subkey = forgeKey("p384", born);
  const unbound = forgeKey("rsa1024", born);
  const back = embedded(backSignature(key, subkey, { created: born }));
  const file = join(
    expiring(200),
    userId(key, "Ü <u@b>", { created: born }, other),
    subkeyPacket(subkey),
    onSubkey(key, subkey, {
      created: born,
      hashed: [keyFlags(signs), back, keyLifetime(150 * day)],
    }),
    subkeyPacket(unbound),
  );
  const created = new Date(born * 1000);
  const expected = {
    fingerprint: key.fingerprint,
    algorithm: "Ed25519",
    created,
    expires: new Date((born + 200 * day) * 1000),
    signs: true,
    userIds: ["a"],
    revoked: false,
    subkeys: [
      {
        fingerprint: subkey.fingerprint,
        algorithm: "ECDSA P-384",
        created,
        expires: new Date((born + 150 * day) * 1000),
        signs: true,
      },
      {
        fingerprint: unbound.fingerprint,
        algorithm: "RSA 1024",
        created,
        signs: false,
        problem: "is of a kind that is not accepted: RSA 1024",
      },
    ],
  };
  assert.deepEqual(describeKeys([armored(file)], new Date()), [expected]);
  const [later] = describeKeys([file], new Date((now + 365 * day) * 1000));
  assert.equal(later?.problem, "has expired");
  const [soon] = describeKeys([file], new Date((born + 200 * day) * 1000 - 1));
  assert.equal(soon?.signs, true);
  const [just] = describeKeys([file], new Date((born + 200 * day) * 1000));
  assert.equal(just?.problem, "has expired");
  const named = onKey(key, { type: 0x1f, created: born, hashed: [revoker(other)] });
  const byStranger = onKey(key, { type: 0x20, created: now - day }, other);
  const [maybe] = describeKeys([join(primaryPacket(key), named, byStranger, own)], new Date());
  assert.deepEqual([maybe?.revoked, maybe?.signs], [true, false]);
  const [revoked] = describeKeys([file, revocation], new Date());
  assert.deepEqual([revoked?.revoked, revoked?.signs], [true, false]);
  assert.deepEqual(describeKeys([Buffer.from("x")], new Date()), []);
});

test("describeKeys() names each kind of key", () => {
  const names = {
    p256: "ECDSA P-256",
    p521: "ECDSA P-521",
    brainpool: "ECDSA brainpoolP256r1",
    secp256k1: "ECDSA secp256k1",
    dsa: "DSA",
  } as const;
  for (const [kind, name] of Object.entries(names)) {
    const made = certificate(forgeKey(kind as keyof typeof names, born), { created: born });
    assert.equal(describeKeys([made], new Date())[0]?.algorithm, name);
  }
});

test("createVerifiers() parses the same keys once, and others apart", async () => {
  const verifiers = createVerifiers({ now: () => new Date() });
  const first = verifiers.simpleSigning([own, theirs]);
  assert.equal(verifiers.simpleSigning([Buffer.from(own), theirs]), first);
  assert.notEqual(verifiers.simpleSigning([join(own, theirs)]), first);
  const { signedBy, claim } = await (await first).verify({
    format: "simple-signing",
    bytes: message,
  });
  assert.equal(signedBy, key.fingerprint);
  assert.equal(claim.dockerReference, "registry.example/a/b:c");
  await assert.rejects(verifiers.simpleSigning([]), {
    code: "signature.bad-trust",
    message: "No public keys imported",
  });
});

test("createVerifiers() knows each trust of sigstore once, and refuses what is none", async () => {
  const verifiers = createVerifiers({ now: () => new Date() });
  const trust = (text: string) =>
    ({ identity: { type: "keys", keys: [Buffer.from(text)] } }) as const;
  const first = verifiers.sigstore(trust("a"));
  assert.equal(verifiers.sigstore(trust("a")), first);
  const other = verifiers.sigstore(trust("b"));
  assert.notEqual(other, first);
  await assert.rejects(first, { code: "signature.bad-trust" });
  await assert.rejects(other, { code: "signature.bad-trust" });
});

test("createVerifiers() forgets the keys that it parsed first", async () => {
  const verifiers = createVerifiers({ now: () => new Date() });
  const first = verifiers.simpleSigning([own]);
  const more = Array.from({ length: 64 }, (_, index) => [own, Buffer.from(`${index}`)]);
  await Promise.all(more.map((keys) => verifiers.simpleSigning(keys)));
  assert.notEqual(verifiers.simpleSigning([own]), first);
});
