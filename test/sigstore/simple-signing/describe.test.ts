import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import { formatPayload } from "../../../sigstore/payload.ts";
import {
  describeSimpleSignature,
  readUntrusted,
} from "../../../sigstore/simple-signing/describe.ts";
import {
  forgeKey,
  forgeMessage,
  literal as literalOf,
  messageParts,
} from "../../support/openpgp/forge.ts";
import { packet, subpacket } from "../../support/openpgp/packets.ts";
import { claim, payload } from "../../support/openpgp/verify.ts";

const created = 1_600_000_000;
const key = forgeKey("ed25519", created);
const keyId = key.fingerprint.slice(-16);
const { onePass, literal, signature } = messageParts(key, { created }, payload);
const message = Buffer.concat([onePass, literal, signature]);
const zipped = packet(8, Buffer.from([1]), deflateRawSync(message));
const nameless = { hashed: [], unhashed: [] };
const said = {
  format: "simple-signing",
  keyId,
  ...claim,
  signedAt: new Date(1_700_000_000_000),
};

/** What is told of bytes that may be anything. */
const described: readonly (readonly [name: string, bytes: Uint8Array, says: object])[] = [
  ["a message", message, said],
  ["a compressed one", zipped, said],
  ["one with bytes behind it", Buffer.concat([message, Buffer.from("x")]), said],
  ["one of version 3", forgeMessage(key, { created, version: 3 }, payload), said],
  [
    "one that names no key",
    forgeMessage(key, { created, issuers: nameless }, payload),
    { format: "simple-signing", ...claim, signedAt: said.signedAt },
  ],
  [
    "one that names its key by its ID alone",
    forgeMessage(
      key,
      { created, issuers: { hashed: [], unhashed: [subpacket(16, Buffer.from(keyId, "hex"))] } },
      payload,
    ),
    said,
  ],
  [
    "one whose content has a file name",
    Buffer.concat([onePass, literalOf(payload, "name.json"), signature]),
    said,
  ],
  [
    "a signature alone",
    signature,
    { format: "simple-signing", keyId, signedAt: new Date(created * 1000) },
  ],
  [
    "one of no claim",
    forgeMessage(key, { created }, Buffer.from("{}")),
    { format: "simple-signing", keyId, signedAt: new Date(created * 1000) },
  ],
  [
    "one of a time that is none",
    forgeMessage(
      key,
      { created },
      Buffer.from(payload.toString().replace("1700000000", "99999999999999")),
    ),
    { format: "simple-signing", keyId, ...claim },
  ],
  ["an empty literal", packet(11), { format: "simple-signing" }],
  ["nothing", Buffer.alloc(0), { format: "simple-signing" }],
  ["no message", Buffer.from("hello"), { format: "simple-signing" }],
  ["a damaged compressed one", packet(8, Buffer.from([1, 0xff])), { format: "simple-signing" }],
];

for (const [name, bytes, says] of described) {
  test(`describe() tells what can be told of ${name}`, async () => {
    assert.deepEqual(describeSimpleSignature(bytes), says);
    const verifiers = createVerifiers({ now: () => new Date() });
    assert.deepEqual(await verifiers.describe({ format: "simple-signing", bytes }), says);
  });
}

test("describe() tells what a sigstore payload says, and nothing of one that cannot be read", async () => {
  const { describe } = createVerifiers({ now: () => new Date() });
  const details = { creator: "x", signedAt: new Date(1_700_000_000_000) };
  const signed = formatPayload(claim, "sigstore", details);
  const signature = { format: "sigstore", mediaType: "x", annotations: {} } as const;
  assert.deepEqual(await describe({ ...signature, payload: signed }), {
    format: "sigstore",
    ...claim,
    signedAt: details.signedAt,
  });
  assert.deepEqual(await describe({ ...signature, payload }), { format: "sigstore" });
});

test("readUntrusted() reads a whole message, believing nothing", () => {
  const { keyId: said, payload: content } = readUntrusted(zipped);
  assert.equal(said, keyId);
  assert.deepEqual(content, { ...claim, creator: "test 1", timestamp: 1_700_000_000 });
  const damaged = [
    Buffer.concat([zipped, Buffer.from("behind")]),
    Buffer.concat([onePass, literal, signature.subarray(0, -1)]),
  ];
  for (const bytes of damaged) assert.deepEqual(readUntrusted(bytes), { keyId, payload: content });
  assert.throws(() => readUntrusted(signature), { code: "signature.malformed" });
  const other = forgeMessage(key, { created }, Buffer.from("{}"));
  assert.throws(() => readUntrusted(other), { code: "signature.bad-payload" });
});
