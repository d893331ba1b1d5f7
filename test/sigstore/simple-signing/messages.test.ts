import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, deflateSync } from "node:zlib";
import { certificate } from "../../support/openpgp/certificate.ts";
import {
  type ForgedKey,
  forgeKey,
  forgeMessage,
  literal,
  messageParts,
} from "../../support/openpgp/forge.ts";
import { gpgAccepts } from "../../support/openpgp/gpg.ts";
import {
  mpi,
  oldPacket,
  packet,
  partialPacket,
  subpacket,
  uint32,
} from "../../support/openpgp/packets.ts";
import { payload, reason } from "../../support/openpgp/verify.ts";
import { skipWithout } from "../../support/peers.ts";

const now = Math.floor(Date.now() / 1000);
const created = now - 1000;
const key = forgeKey("ed25519", created - 1000);
const other = forgeKey("ed25519", created - 1000);
const keys = Buffer.concat([
  certificate(key, { created: created - 1000 }),
  certificate(other, { created: created - 1000 }),
]);

const { onePass: o, literal: l, signature: s } = messageParts(key, { created }, payload);
const theirs = messageParts(other, { created }, payload);
const text = messageParts(key, { created, type: 1 }, payload);
const lines = Buffer.from(payload.toString().replace(/^\{/, "{\n").replace(/\}$/, "\r\n}\n"));
const linesSigned = messageParts(
  key,
  { created, type: 1 },
  Buffer.from(lines.toString().replaceAll(/\r?\n/g, "\r\n")),
);
const message = Buffer.concat([o, l, s]);
const body = (part: Buffer) => part.subarray(6);

const join = (...parts: readonly Uint8Array[]) => Buffer.concat(parts);
const compressed = (method: number, content: Uint8Array) =>
  packet(8, Buffer.from([method]), content);
const zip = (content: Uint8Array) => compressed(1, deflateRawSync(content));
const many = (times: number) =>
  Array.from({ length: times }).reduce<Buffer>((inner) => zip(inner), message);
const withSubpacket = (one: Buffer) => forgeMessage(key, { created, hashed: [one] }, payload);
const notation = (critical: boolean) =>
  subpacket(20, join(uint32(0x80000000), Buffer.from([0, 3, 0, 1]), Buffer.from("a@bc")), critical);

/** The two bytes of the hash in front of the numbers, which GnuPG looks at first. */
function startChanged(signature: Buffer): Buffer {
  const changed = Buffer.from(signature);
  const content = body(changed);
  const hashed = 6 + content.readUInt16BE(4);
  const start = hashed + 2 + content.readUInt16BE(hashed);
  content[start] = (content[start] ?? 0) ^ 1;
  return changed;
}
const longer = mpi(Buffer.alloc(33, 1));
const by = (signer: ForgedKey) => forgeMessage(signer, { created }, payload);

const damaged = "No data";
const uncounted = "Unexpected GPG signature count 0";
const changed = `Invalid GPG signature: not made by key ${key.fingerprint}, or changed since`;
const critical = "Invalid GPG signature: something critical in it is unknown";
const accepted = "accepted";

/** Names as in `specs` signing.md 2.3 and 6.1; what the reference says where it refuses too. */
const forms: readonly (readonly [name: string, bytes: Buffer, says: string])[] = [
  ["c", message, accepted],
  ["a zip", zip(message), accepted],
  ["a zlib", compressed(2, deflateSync(message)), accepted],
  ["a of no length", oldPacket(8, 0, Buffer.from([1]), deflateRawSync(message)), accepted],
  ["A12b: d", join(s, l), accepted],
  ["zip of d", zip(join(s, l)), accepted],
  ["d of no length", join(s, oldPacket(11, 0, body(l))), accepted],
  ["e old, one octet", join(oldPacket(4, 1, body(o)), l, oldPacket(2, 1, body(s))), accepted],
  ["e old, two octets", join(oldPacket(4, 2, body(o)), oldPacket(11, 2, body(l)), s), accepted],
  ["e old, four octets", join(o, oldPacket(11, 4, body(l)), oldPacket(2, 4, body(s))), accepted],
  ["A33: partial", join(o, partialPacket(11, [7], body(l)), s), accepted],
  ["A33b: small parts", join(o, partialPacket(11, [0, 3, 1], body(l)), s), accepted],
  ["e partial compressed", partialPacket(8, [5, 4], body(zip(message))), accepted],
  ["partial signature", join(o, l, partialPacket(2, [4], body(s))), damaged],
  ["signature of no length", join(o, l, oldPacket(2, 0, body(s))), damaged],
  ["b: bzip2", compressed(3, Buffer.from("BZh9")), "Invalid GPG signature: bzip2 is not supported"],
  ["unknown method", compressed(9, message), "Bad data"],
  ["method 0", compressed(0, message), "Bad data"],
  ["no method", packet(8), "Bad data"],
  ["A32", zip(zip(message)), "Bad data"],
  ["A32b", many(41), "Bad data"],
  ["A11: g", join(theirs.onePass, o, l, s, theirs.signature), "Unexpected GPG signature count 2"],
  ["A34b: h", join(o, o, l, s, s), "Unexpected GPG signature count 2"],
  ["A34c: i", join(o, l, s, s), uncounted],
  ["A12", s, uncounted],
  ["two detached", join(s, theirs.signature), uncounted],
  ["A34d", join(o, l), damaged],
  ["A40", message.subarray(0, -5), damaged],
  ["A40 header", message.subarray(0, 3), damaged],
  ["A40 zip", zip(message).subarray(0, -5), damaged],
  ["truncated deflate", packet(8, body(zip(message)).subarray(0, -5)), uncounted],
  ["A15", l, damaged],
  ["A15b", zip(l), damaged],
  ["two one-pass", join(o, o, l), damaged],
  ["A42", Buffer.alloc(0), damaged],
  ["empty zip", zip(Buffer.alloc(0)), damaged],
  ["A34e", join(l, o, s), uncounted],
  ["literal, signature", join(l, s), uncounted],
  ["signature on both sides", join(s, l, s), uncounted],
  ["A34f", join(o, l, l, s), "Bad data"],
  ["A10b", join(message, l), "Bad data"],
  ["A10", join(message, message), "Bad data"],
  ["A9i", join(message, packet(13, Buffer.from("a"))), "Bad data"],
  ["A9a", join(message, Buffer.alloc(2)), damaged],
  ["A9b", join(message, Buffer.from("hello")), damaged],
  ["A9c", join(message, Buffer.from("\n")), damaged],
  ["A9c in zip", zip(join(message, Buffer.from("\n"))), damaged],
  ["A9d", join(zip(message), Buffer.from("x")), damaged],
  [
    "A9d of no length",
    oldPacket(8, 0, Buffer.from([1]), deflateRawSync(message), Buffer.from("x")),
    "Bad data",
  ],
  ["A9e", join(message, packet(10, Buffer.from("PGP"))), "Bad data"],
  ["A9f", join(message, packet(60, Buffer.from("PGP"))), "Bad data"],
  ["A9h", join(message, packet(21, Buffer.from("PGP"))), "Bad data"],
  ["A9g", join(packet(10, Buffer.from("PGP")), message), "Bad data"],
  ["marker within", join(o, packet(10, Buffer.from("PGP")), l, s), "Bad data"],
  ["packet 0", join(packet(0), message), damaged],
  [
    "n armored",
    Buffer.from("-----BEGIN PGP MESSAGE-----\n\nowE=\n-----END PGP MESSAGE-----\n"),
    damaged,
  ],
  ["A16", packet(18, Buffer.from([1]), Buffer.alloc(40)), "Bad data"],
  [
    "A34: o",
    forgeMessage(key, { created }, message),
    "invalid character 'Ä' looking for beginning of value",
  ],
  ["A28: p", join(text.onePass, text.literal, text.signature), accepted],
  ["p with lines", join(linesSigned.onePass, linesSigned.literal, linesSigned.signature), accepted],
  ["p, other lines", join(linesSigned.onePass, literal(lines), linesSigned.signature), changed],
  ["A37: q", join(o, literal(payload, "_CONSOLE"), s), accepted],
  ["mode t", join(o, packet(11, Buffer.from("t\0\0\0\0\0"), payload), s), accepted],
  ["mode x", join(o, packet(11, Buffer.from("x\0\0\0\0\0"), payload), s), "Bad data"],
  ["literal without date", join(o, packet(11, Buffer.from("b\0\0")), s), "Bad data"],
  ["A35a", withSubpacket(notation(false)), accepted],
  ["A35", withSubpacket(notation(true)), critical],
  ["critical subpacket", withSubpacket(subpacket(101, Buffer.from("x"), true)), critical],
  ["critical target", withSubpacket(subpacket(31, Buffer.alloc(22), true)), critical],
  ["unknown subpacket", withSubpacket(subpacket(101, Buffer.from("x"))), accepted],
  ["critical policy", withSubpacket(subpacket(26, Buffer.from("http://x"), true)), accepted],
  [
    "critical and not signed",
    forgeMessage(key, { created, unhashed: [notation(true)] }, payload),
    critical,
  ],
  ["two times", withSubpacket(subpacket(2, uint32(created))), "Bad data"],
  ["empty subpacket", withSubpacket(Buffer.from([0])), "Bad data"],
  ["subpacket too long", withSubpacket(Buffer.from([9, 20, 1])), "Bad data"],
  ["short time", withSubpacket(subpacket(3, Buffer.from([1]))), "Bad data"],
  ["long time", withSubpacket(subpacket(3, Buffer.alloc(5))), "Bad data"],
  ["short issuer", withSubpacket(subpacket(16, Buffer.from([1]))), "Bad data"],
  ["no time", forgeMessage(key, { created, timeless: true }, payload), "Bad data"],
  [
    "time not signed",
    forgeMessage(
      key,
      { created, timeless: true, unhashed: [subpacket(2, uint32(created))] },
      payload,
    ),
    "Bad data",
  ],
  ["FX-v3", forgeMessage(key, { created, version: 3 }, payload), accepted],
  ["v3 of six bytes", join(o, l, packet(2, Buffer.from([3, 6]), body(s))), "Bad data"],
  [
    "version 6",
    join(o, l, packet(2, Buffer.from([6]), body(s).subarray(1))),
    "Invalid GPG signature: signatures of version 6 are not supported",
  ],
  ["one-pass version 6", join(packet(4, Buffer.from([6]), body(o).subarray(1)), l, s), "Bad data"],
  ["one-pass of another kind", join(text.onePass, l, s), "Bad data"],
  [
    "more signers announced",
    join(packet(4, body(o).subarray(0, -1), Buffer.from([0])), l, s),
    "Bad data",
  ],
  ["one-pass too long", join(packet(4, body(o), Buffer.from([0])), l, s), "Bad data"],
  ["A7", join(o, literal(Buffer.from(payload.toString().replace("a/b", "a/c"))), s), changed],
  ["A8", join(o, l, s.subarray(0, -1), Buffer.from([(s.at(-1) ?? 0) ^ 1])), changed],
  ["start of another hash", join(o, l, startChanged(s)), changed],
  [
    "a number too long",
    by({ ...key, sign: () => join(longer, mpi(Buffer.alloc(32, 1))) }),
    changed,
  ],
  ["bytes behind the signature's", join(o, l, packet(2, body(s), Buffer.from([0]))), "Bad data"],
  [
    "class of a certification",
    forgeMessage(key, { created, type: 0x10 }, payload),
    "Invalid GPG signature: signature of class 0x10",
  ],
  ...(["sha1", "ripemd160", "md5"] as const).map(
    (hash, index) =>
      [
        `A24 ${hash}`,
        forgeMessage(key, { created, hash }, payload),
        `Invalid GPG signature: digest algorithm ${[2, 3, 1][index]} is not accepted`,
      ] as const,
  ),
  ...(["sha224", "sha384", "sha512"] as const).map(
    (hash) => [hash, forgeMessage(key, { created, hash }, payload), accepted] as const,
  ),
];

for (const [name, bytes, says] of forms) {
  test(`verify() says of form ${name}: ${says}`, async () => {
    assert.equal(await reason([keys], bytes), says);
  });
}

test("verify() accepts nothing that GnuPG refuses", { skip: skipWithout("gpg") }, () => {
  for (const [name, bytes, says] of forms) {
    if (says === accepted) assert.ok(gpgAccepts(keys, bytes), name);
  }
});

test("verify() reads no more than it must of messages made to be slow", async () => {
  const bomb = packet(8, Buffer.from([1]), deflateRawSync(Buffer.alloc(256 * 1024 * 1024)));
  const packets = Buffer.concat(Array.from({ length: 100_000 }, () => packet(10)));
  const huge = Buffer.concat([Buffer.from([0xcb, 0xff, 0xff, 0xff, 0xff, 0xff]), payload]);
  const pieces = Buffer.concat([
    Buffer.from([0xcb]),
    Buffer.alloc(2_000_000, Buffer.from([0xe0, 0x62])),
    Buffer.from([0]),
  ]);
  const tooMuch = "Invalid GPG signature: exceeded maximum allowed size of 4194304 bytes";
  assert.equal(await reason([keys], bomb), tooMuch);
  assert.equal(await reason([keys], packets), "Bad data");
  assert.equal(await reason([keys], zip(packets)), "Bad data");
  assert.equal(await reason([keys], huge), damaged);
  assert.equal(await reason([keys], pieces), damaged);
  assert.equal(
    await reason([keys], Buffer.concat([message, Buffer.alloc(4 * 1024 * 1024)])),
    tooMuch,
  );
});

test("verify() refuses signatures of another kind", async () => {
  const { createSimpleSigningVerifier } = await import(
    "../../../sigstore/simple-signing/verifier.ts"
  );
  const verifier = createSimpleSigningVerifier([keys], { now: () => new Date() });
  const sigstore = { format: "sigstore", mediaType: "", payload, annotations: {} } as const;
  await assert.rejects(verifier.verify(sigstore), { code: "signature.malformed" });
});
