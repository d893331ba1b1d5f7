import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, deflateSync } from "node:zlib";
import { parsePayload } from "../../../sigstore/payload.ts";
import { describeSimpleSignature } from "../../../sigstore/simple-signing/describe.ts";
import { describeKeys } from "../../../sigstore/simple-signing/describe-keys.ts";
import {
  createSimpleSigningVerifier,
  type SimpleSigningVerifier,
} from "../../../sigstore/simple-signing/verifier.ts";
import { KnownError } from "../../../src/core/errors.ts";
import { armored } from "../../support/openpgp/armored.ts";
import {
  backSignature,
  certifies,
  embedded,
  keyFlags,
  onSubkey,
  primaryPacket,
  signs,
  subkeyPacket,
  userId,
} from "../../support/openpgp/certificate.ts";
import { forgeKey, forgeMessage, type KeyKind, messageParts } from "../../support/openpgp/forge.ts";
import { oldPacket, packet, partialPacket } from "../../support/openpgp/packets.ts";
import { claim, payload } from "../../support/openpgp/verify.ts";

/** One in so many of the places to change; all of them are asked for by AMPHORA_SOAK=1. */
const sample = process.env["AMPHORA_SOAK"] === "1" ? 1 : 13;
/** A key takes longer than a message. */
const fewer = sample === 1 ? 8 : 4;
const rounds = process.env["AMPHORA_SOAK"] === "1" ? 60_000 : 3_000;

const born = Math.floor(Date.now() / 1000) - 10_000;
const created = born + 1_000;
const kinds: readonly KeyKind[] = ["ed25519", "p256", "rsa2048"];
const signers = kinds.map((kind) => ({
  kind,
  key: forgeKey(kind, born),
  subkey: forgeKey(kind, born),
}));

const join = (...parts: readonly Uint8Array[]) => Buffer.concat(parts);
const zip = (content: Uint8Array) => packet(8, Buffer.from([1]), deflateRawSync(content));

function keyFile({ key, subkey }: (typeof signers)[number]): Buffer {
  const back = embedded(backSignature(key, subkey, { created: born }));
  return join(
    primaryPacket(key),
    userId(key, "a", { created: born, hashed: [keyFlags(certifies | signs)] }),
    subkeyPacket(subkey),
    onSubkey(key, subkey, { created: born, hashed: [keyFlags(signs), back] }),
  );
}

const verifierOf = (file: Uint8Array) =>
  createSimpleSigningVerifier([file], { now: () => new Date() });

/** What is said when bytes are verified: refused in a foreseen way, or just what was signed. Anything else fails. */
async function outcome(verifier: SimpleSigningVerifier, bytes: Uint8Array, signer: string) {
  describeSimpleSignature(bytes);
  try {
    const verified = await verifier.verify({ format: "simple-signing", bytes });
    assert.equal(verified.claim.manifestDigest, claim.manifestDigest);
    assert.equal(verified.claim.dockerReference, claim.dockerReference);
    assert.equal(verified.keyFingerprint, signer);
    return "accepted";
  } catch (error) {
    if (error instanceof KnownError) return "refused";
    throw error;
  }
}

/** Every change of one bit, every cut, every byte left out or put in, sampled. */
function* changes(bytes: Buffer): Generator<Buffer> {
  for (let bit = 0; bit < bytes.length * 8; bit += sample) yield flipped(bytes, bit);
  for (let at = 0; at < bytes.length; at += sample) {
    yield bytes.subarray(0, at);
    yield join(bytes.subarray(0, at), bytes.subarray(at + 1));
    yield join(bytes.subarray(0, at), Buffer.from([0]), bytes.subarray(at));
    yield join(bytes.subarray(0, at), Buffer.from([0xff]), bytes.subarray(at + 1));
  }
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

for (const signer of signers) {
  const { onePass, literal, signature } = messageParts(signer.key, { created }, payload);
  const plain = join(onePass, literal, signature);
  const messages: readonly (readonly [name: string, message: Buffer, fingerprint: string])[] = [
    ["plain", plain, signer.key.fingerprint],
    ["no one-pass", join(signature, literal), signer.key.fingerprint],
    ["zip", zip(plain), signer.key.fingerprint],
    ["zlib", oldPacket(8, 0, Buffer.from([2]), deflateSync(plain)), signer.key.fingerprint],
    [
      "partial",
      join(onePass, partialPacket(11, [5, 3], literal.subarray(6)), signature),
      signer.key.fingerprint,
    ],
    [
      "version 3",
      forgeMessage(signer.key, { created, version: 3 }, payload),
      signer.key.fingerprint,
    ],
    ["subkey", forgeMessage(signer.subkey, { created }, payload), signer.subkey.fingerprint],
  ];
  const verifier = verifierOf(keyFile(signer));
  for (const [name, message, fingerprint] of messages) {
    test(`verify() never says of a changed message more than was signed: ${signer.kind}, ${name}`, async () => {
      assert.equal(await outcome(verifier, message, fingerprint), "accepted");
      for (const changed of changes(message)) await outcome(verifier, changed, fingerprint);
    });
  }

  test(`verify() never takes another key for the one in a changed file: ${signer.kind}`, async () => {
    const file = keyFile(signer);
    const message = forgeMessage(signer.subkey, { created }, payload);
    let count = 0;
    for (const changed of changes(file)) {
      count += 1;
      if (count % fewer !== 0) continue;
      const asVerifier = attempt(() => verifierOf(changed));
      if (asVerifier) await outcome(asVerifier, message, signer.subkey.fingerprint);
      describeKeys([changed, armored(changed)], new Date());
    }
  });
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}

/** Numbers that look random and are the same in each run. */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
}

test("verify() and describeKeys() meet any mixture of packets with foreseen errors", async () => {
  const random = seeded(1);
  const [signer] = signers;
  assert.ok(signer);
  const { onePass, literal, signature } = messageParts(signer.key, { created }, payload);
  const verifier = verifierOf(keyFile(signer));
  const pieces = [
    onePass,
    literal,
    signature,
    zip(signature),
    keyFile(signer),
    Buffer.from([0xff]),
    packet(10),
  ];
  const pick = () => pieces[random(pieces.length)] ?? signature;
  for (let round = 0; round < rounds; round += 1) {
    const mixed = join(...Array.from({ length: 1 + random(4) }, pick));
    for (let times = random(4); times > 0; times -= 1) mixed[random(mixed.length)] = random(256);
    const bytes = random(5) === 0 ? zip(mixed) : mixed;
    await outcome(verifier, bytes, signer.key.fingerprint);
    if (random(4) === 0) describeKeys([bytes], new Date());
  }
});

test("parsePayload() accepts no text that JSON.parse() reads otherwise", () => {
  const random = seeded(2);
  const pieces = [
    '"critical":',
    "{",
    "}",
    ",",
    '"',
    "\\u0061",
    "null",
    "1e9",
    "[",
    "]",
    ":",
    " ",
    '"optional":{}',
  ];
  const text = Buffer.from(payload).toString("latin1");
  for (let round = 0; round < rounds * 2; round += 1) {
    let changed = text;
    for (let times = 1 + random(2); times > 0; times -= 1) {
      const at = random(changed.length);
      const piece =
        random(2) === 0 ? String.fromCharCode(random(256)) : pieces[random(pieces.length)];
      changed = changed.slice(0, at) + piece + changed.slice(at + random(3));
    }
    const bytes = Buffer.from(changed, "latin1");
    const read = attempt(() => parsePayload(bytes, "simple-signing"));
    if (!read) continue;
    const { critical } = JSON.parse(bytes.toString());
    assert.equal(read.manifestDigest, critical.image["docker-manifest-digest"]);
    assert.equal(read.dockerReference, critical.identity["docker-reference"]);
    assert.equal(critical.type, "atomic container signature");
  }
});
