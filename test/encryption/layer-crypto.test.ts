import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { digestOf } from "../../src/core/digest.ts";
import { EncryptionError } from "../../src/encryption/errors.ts";
import { LayerDecrypter, LayerEncrypter } from "../../src/encryption/layer-crypto.ts";
import { randomBytesOf } from "../support/random.ts";

const plain = randomBytesOf(9, 100_000);
const source = digestOf(plain);
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const curves = ["P-256", "P-384", "P-521"].map((namedCurve) =>
  generateKeyPairSync("ec", { namedCurve }),
);

async function* inPieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

async function whole(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(bytes, (chunk) => Buffer.from(chunk)));
}

async function encrypted(bytes: Uint8Array, ...keys: [KeyObject, ...KeyObject[]]) {
  const layer = new LayerEncrypter(keys).encrypt(inPieces(bytes), source);
  const made = await whole(layer.bytes);
  const annotations = await layer.annotations();
  const descriptor: Descriptor = { mediaType: "x", digest: source, size: made.length, annotations };
  return { made, descriptor };
}

async function decrypted(bytes: Uint8Array, layer: Descriptor, ...keys: readonly KeyObject[]) {
  return await whole(await new LayerDecrypter(keys).decrypt(inPieces(bytes, 777), layer));
}

function partOf(layer: Descriptor, name: string): Record<string, unknown> {
  const text = Buffer.from(layer.annotations?.[name] ?? "", "base64").toString();
  return JSON.parse(text) as Record<string, unknown>;
}

const jwe = "org.opencontainers.image.enc.keys.jwe";
const pubopts = "org.opencontainers.image.enc.pubopts";

test("what was encrypted for a key is decrypted by its private key", async () => {
  for (const { publicKey, privateKey } of [rsa, ...curves]) {
    const { made, descriptor } = await encrypted(plain, publicKey);
    assert.equal(made.length, plain.length);
    assert.notDeepEqual(made, Buffer.from(plain));
    assert.deepEqual(await decrypted(made, descriptor, privateKey), Buffer.from(plain));
  }
  const { made, descriptor } = await encrypted(new Uint8Array(), rsa.publicKey);
  assert.equal((await decrypted(made, descriptor, rsa.privateKey)).length, 0);
});

test("each of several keys opens it, wherever it stands, and no other does", async () => {
  const all = [rsa, ...curves];
  const [first, ...others] = all.map(({ publicKey }) => publicKey);
  assert.ok(first);
  const { made, descriptor } = await encrypted(plain, first, ...others);
  for (const { privateKey } of all)
    assert.equal((await decrypted(made, descriptor, other.privateKey, privateKey)).length, 100_000);
  await assert.rejects(decrypted(made, descriptor, other.privateKey), {
    code: "encryption.no-key",
    message: /^no suitable key unwrapper found or none of the private keys could be used/,
  });
});

test("of several envelopes one that opens is enough", async () => {
  const { made, descriptor } = await encrypted(plain, rsa.publicKey);
  const theirs = (await encrypted(plain, other.publicKey)).descriptor.annotations?.[jwe];
  const ours = descriptor.annotations?.[jwe];
  for (const both of [`${theirs},${ours}`, `${ours},${theirs}`, `AAAA,${ours}`]) {
    const layer = { ...descriptor, annotations: { ...descriptor.annotations, [jwe]: both } };
    assert.equal((await decrypted(made, layer, rsa.privateKey)).length, plain.length);
  }
});

test("two layers never share a key or a nonce, and what is told in the open names the cipher and the HMAC alone", async () => {
  const [one, two] = [await encrypted(plain, rsa.publicKey), await encrypted(plain, rsa.publicKey)];
  assert.notDeepEqual(one.made, two.made);
  const { cipher, hmac, ...more } = partOf(one.descriptor, pubopts);
  assert.equal(cipher, "AES_256_CTR_HMAC_SHA256");
  assert.equal(Buffer.from(String(hmac), "base64").length, 32);
  assert.deepEqual(more, { cipheroptions: {} });
  const { protected: header } = partOf(one.descriptor, jwe);
  assert.deepEqual(JSON.parse(Buffer.from(String(header), "base64url").toString()), {
    alg: "RSA-OAEP",
    enc: "A256GCM",
  });
});

test("bytes that were changed are found out before the last of them is given out", async () => {
  const { made, descriptor } = await encrypted(plain, rsa.publicKey);
  const wrong = [
    Buffer.from(made).fill(made[5] ?? 0, 4, 5),
    made.subarray(0, -1),
    Buffer.concat([made, Buffer.from([0])]),
    Buffer.alloc(0),
  ];
  for (const bytes of wrong) {
    let given = 0;
    const reading = async () => {
      const chunks = await new LayerDecrypter([rsa.privateKey]).decrypt(
        inPieces(bytes),
        descriptor,
      );
      for await (const chunk of chunks) given += chunk.byteLength;
    };
    await assert.rejects(reading(), { code: "encryption.bad-layer" });
    assert.ok(given < Math.max(bytes.length, 1));
  }
});

test("what is missing of how a layer is encrypted is told in ocicrypt's words", async () => {
  const { made, descriptor } = await encrypted(plain, rsa.publicKey);
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");
  const { hmac, cipher } = partOf(descriptor, pubopts);
  for (const [said, message] of [
    ["", "no cipher type provided"],
    [base64({ hmac }), "no cipher type provided"],
    [base64({ hmac, cipher: "X" }), "unsupported cipher type: X"],
    [base64({ cipher }), "HMAC is not provided for decryption process"],
  ] as const) {
    const annotations = { ...descriptor.annotations, [pubopts]: said };
    const reading = decrypted(made, { ...descriptor, annotations }, rsa.privateKey);
    await assert.rejects(reading, { code: "encryption.bad-layer", message });
  }
});

test("annotations that say something else are refused, whatever they say", async () => {
  const { made, descriptor } = await encrypted(plain, rsa.publicKey);
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");
  const { hmac, cipher } = partOf(descriptor, pubopts);
  const odd: readonly Record<string, string>[] = [
    { [pubopts]: "" },
    { [pubopts]: base64({ hmac }) },
    { [pubopts]: base64({ hmac, cipher: "AES_128" }) },
    { [pubopts]: base64({ cipher }) },
    { [pubopts]: base64({ cipher, hmac: 7 }) },
    { [pubopts]: base64(null) },
    { [pubopts]: "?" },
    { [jwe]: "" },
    { [jwe]: base64(null) },
    { [jwe]: base64([]) },
    { [jwe]: base64({ recipients: [] }) },
    { [jwe]: base64({ recipients: {} }) },
    { [jwe]: ",,," },
  ];
  for (const annotations of odd) {
    const layer = { ...descriptor, annotations: { ...descriptor.annotations, ...annotations } };
    await assert.rejects(decrypted(made, layer, rsa.privateKey), (error: unknown) => {
      assert.ok(error instanceof EncryptionError, String(error));
      return true;
    });
  }
});
