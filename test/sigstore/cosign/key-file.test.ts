import assert from "node:assert/strict";
import { createPublicKey, randomBytes, scryptSync } from "node:crypto";
import { test } from "node:test";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { closeKeyFile, generateKeyFiles, openKeyFile } from "../../../sigstore/cosign/key-file.ts";
import { decodePem } from "../../../sigstore/cosign/pem.ts";
import { closeBox } from "../../../sigstore/cosign/secret-box.ts";
import { testKey, toPem } from "../../support/certificates.ts";

const cannotSign = "signature.cannot-sign";
const none = Buffer.of();

const asBytes = (text: string) => Buffer.from(text);

test("a generated key pair opens with its passphrase and no other", async () => {
  const files = await generateKeyFiles(asBytes("pass"));
  const key = await openKeyFile(asBytes(files.privateKey), asBytes("pass"));
  const publicKey = createPublicKey(key).export({ format: "pem", type: "spki" });
  assert.equal(publicKey, files.publicKey);
  assert.equal(key.asymmetricKeyDetails?.namedCurve, "prime256v1");
  await assert.rejects(openKeyFile(asBytes(files.privateKey), none), {
    code: cannotSign,
    message: "decrypt: encrypted: decryption failed",
  });
});

test("keys are kept with an empty passphrase too, and under either name", async () => {
  const { privateKey } = testKey("ed25519", "files");
  const file = await closeKeyFile(privateKey, none);
  assert.match(file, /^-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n/);
  const opened = await openKeyFile(asBytes(file.replaceAll("COSIGN", "SIGSTORE")), none);
  assert.equal(opened.equals(privateKey), true);
});

test("a key file is written as the reference writes it, with new numbers each time", async () => {
  const { privateKey } = testKey("p256", "files");
  const seen = new Set<string>();
  for (let time = 0; time < 2; time++) {
    const found = decodePem(await closeKeyFile(privateKey, none));
    assert.equal(found?.type, "ENCRYPTED COSIGN PRIVATE KEY");
    const { kdf, cipher, ciphertext } = JSON.parse(found.bytes.toString());
    const { salt, ...how } = kdf;
    assert.deepEqual(how, { name: "scrypt", params: { N: 65_536, r: 8, p: 1 } });
    assert.equal(cipher.name, "nacl/secretbox");
    const size = privateKey.export({ format: "der", type: "pkcs8" }).length;
    const lengths = [salt, cipher.nonce, ciphertext].map(
      (one) => Buffer.from(one, "base64").length,
    );
    assert.deepEqual(lengths, [32, 24, size + 16]);
    for (const one of [salt, cipher.nonce, ciphertext]) seen.add(one);
  }
  assert.equal(seen.size, 6);
});

test("what is in the box must be a key", async () => {
  const file = fileOf((await closeBox(Buffer.from("no key"), none)).toString());
  await assert.rejects(openKeyFile(file, none), {
    code: cannotSign,
    message: "parsing private key: it is no PKCS #8",
  });
});

test("keys that nobody would verify are not signed with", async () => {
  for (const kind of ["rsa1024", "rsa-pss"] as const) {
    const file = await closeKeyFile(testKey(kind, "files").privateKey, none);
    await assert.rejects(openKeyFile(asBytes(file), none), {
      code: cannotSign,
      message: /^unsupported key type/,
    });
  }
});

// Made by `skopeo generate-sigstore-key` 1.22 and `cosign generate-key-pair` 3.1, passphrase "pw".
const theirs: Readonly<Record<string, string>> = {
  COSIGN:
    '{"kdf":{"name":"scrypt","params":{"N":65536,"r":8,"p":1},"salt":"cgdSpKeO/NqQTgYFjw+tU0K+RYyJCh06PG7mbyFpiuk="},"cipher":{"name":"nacl/secretbox","nonce":"vpB1MOz3vCcI3py5vwVFi8dkiB4UYsoW"},"ciphertext":"bWT3kaJE1nhWafDx0c0oSJi4Qf3Vmvp/9P5ylNWBeJwquLTPp4YupmbL/mXuP0RWxlUtWhGnj9DCPL+wLnLE7RtOm07g2GOZSs2Oft2RBg1xa7If7BLWg1XafoyJAmufw+UZY0/wQGIo1fzAXoe66y+CV58wKrqZTZnewr+huxsL3AAK7o4Gu6mfMKfUpxSUvT8j+rFQy/2dKA=="}',
  SIGSTORE:
    '{"kdf":{"name":"scrypt","params":{"N":65536,"r":8,"p":1},"salt":"n5aioTVxI2KGrEilXDM+qaIbSQ8dG/l0T9b++2jT4v0="},"cipher":{"name":"nacl/secretbox","nonce":"AQhzzCFWy8FwqPQA1WSok16Na7W44oQs"},"ciphertext":"KbFDGAOrFmOHq5/mcZeTqUTODHTo7F8GhFMAwuSS3n9YEBZ0WmxsC675Vtq719rWirPbDygeS+6F6GGhRllfUaDlkfjZ+iP0FR+gHwMyQJiCyjtgSal3y3vnuhAXIqPpgLaIzJu9Ff/imnSb1J+29UAtTsFaTofgpaOHofkiumRNqmbs7euc68T9FWM9SpCVzgS2s6Rrb5iAkg=="}',
};

const fileOf = (box: string, type = "ENCRYPTED COSIGN PRIVATE KEY") =>
  asBytes(toPem(type, asBytes(box)));

test("key files of skopeo and cosign open", async () => {
  for (const [name, box] of Object.entries(theirs)) {
    const key = await openKeyFile(fileOf(box, `ENCRYPTED ${name} PRIVATE KEY`), asBytes("pw"));
    assert.equal(key.asymmetricKeyType, "ec");
  }
});

/** As the reference closes a box at another cost. */
function closedAt(cost: number, content: Uint8Array): string {
  const [salt, nonce] = [randomBytes(32), randomBytes(24)];
  const maxmem = 256 * cost * 8;
  const key = scryptSync(none, salt, 32, { N: cost, r: 8, p: 1, maxmem });
  const ciphertext = xsalsa20poly1305(key, nonce).encrypt(content);
  return JSON.stringify({
    kdf: { name: "scrypt", params: { N: cost, r: 8, p: 1 }, salt: salt.toString("base64") },
    cipher: { name: "nacl/secretbox", nonce: nonce.toString("base64") },
    ciphertext: Buffer.from(ciphertext).toString("base64"),
  });
}

test("key files of the reference's other two costs open", async () => {
  const { privateKey } = testKey("p256", "files");
  const der = privateKey.export({ format: "der", type: "pkcs8" });
  for (const cost of [32_768, 131_072]) {
    const opened = await openKeyFile(fileOf(closedAt(cost, der)), none);
    assert.equal(opened.equals(privateKey), true);
  }
});

test("what is wrong with a key file is told in skopeo's words", async () => {
  const [box = ""] = Object.values(theirs);
  const changes: readonly (readonly [RegExp, string, string])[] = [
    [/"N":\d+/, '"N":16384', "decrypt: unsupported scrypt parameters"],
    [/"N":\d+/, '"N":1073741824', "decrypt: unsupported scrypt parameters"],
    [/"N":\d+/, '"N":"65536"', "decrypt: unsupported scrypt parameters"],
    [/"r":8/, '"r":16', "decrypt: unsupported scrypt parameters"],
    [/"p":1/, '"p":2', "decrypt: unsupported scrypt parameters"],
    [/scrypt/, "argon", 'decrypt: encrypted: unknown kdf name "argon"'],
    [/nacl\/secretbox/, "aes", 'decrypt: encrypted: unknown cipher name "aes"'],
    [/"kdf"/, '"kdx"', 'decrypt: encrypted: unknown kdf name ""'],
    [/"salt":"/, '"salt":"?', "decrypt: illegal base64 data at input byte 0"],
    [/"salt":"..../, '"salt":"', "decrypt: encrypted: decryption failed"],
    [/"nonce":"..../, '"nonce":"', "decrypt: encrypted: incorrect nonce size"],
    [/"ciphertext":"..../, '"ciphertext":"', "decrypt: encrypted: decryption failed"],
    [/\{/, "[", "decrypt: invalid character ':' after array element"],
  ];
  for (const [from, to, message] of changes) {
    const file = fileOf(box.replace(from, to));
    await assert.rejects(openKeyFile(file, asBytes("pw")), { code: cannotSign, message });
  }
  const plain = testKey().privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const wrong = { code: cannotSign, message: "unsupported pem type: PRIVATE KEY" };
  await assert.rejects(openKeyFile(asBytes(plain), none), wrong);
  const garbage = { code: cannotSign, message: "invalid pem block" };
  await assert.rejects(openKeyFile(asBytes("garbage"), none), garbage);
});
