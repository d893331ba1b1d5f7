import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { readPrivateKey, readRecipient } from "../../src/encryption/key-files.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
let folder: TempFolder;

before(async () => {
  folder = await tempFolder();
});

after(async () => {
  await folder[Symbol.asyncDispose]();
});

async function file(content: string | Buffer): Promise<string> {
  const path = folder.in("key");
  await writeFile(path, content);
  return path;
}

function isSame(a: KeyObject, b: KeyObject): boolean {
  return createPublicKey(a.export({ type: "spki", format: "pem" })).equals(b);
}

test("a public key is read as DER, PEM and JWK", async () => {
  for (const { publicKey } of [rsa, ec]) {
    const forms = [
      publicKey.export({ type: "spki", format: "der" }),
      publicKey.export({ type: "spki", format: "pem" }),
      JSON.stringify(publicKey.export({ format: "jwk" })),
    ];
    for (const form of forms) {
      const key = await readRecipient(`jwe:${await file(form)}`);
      assert.ok(isSame(key, publicKey));
    }
  }
});

test("a private key is read as DER, PEM and JWK, and with its password", async () => {
  const { privateKey } = rsa;
  const forms = [
    privateKey.export({ type: "pkcs1", format: "der" }),
    privateKey.export({ type: "pkcs8", format: "der" }),
    privateKey.export({ type: "pkcs1", format: "pem" }),
    privateKey.export({ type: "pkcs8", format: "pem" }),
    JSON.stringify(privateKey.export({ format: "jwk" })),
    ec.privateKey.export({ type: "sec1", format: "pem" }),
    ec.privateKey.export({ type: "sec1", format: "der" }),
  ];
  for (const form of forms) assert.equal((await readPrivateKey(await file(form)))?.type, "private");
  const [cipher, passphrase] = ["aes-256-cbc", "secret"];
  await writeFile(folder.in("password"), passphrase);
  for (const type of ["pkcs1", "pkcs8"] as const) {
    const path = await file(privateKey.export({ type, format: "pem", cipher, passphrase }));
    for (const password of ["secret", "pass=secret", `file=${folder.in("password")}`])
      assert.ok((await readPrivateKey(`${path}:${password}`))?.equals(privateKey));
    await assert.rejects(readPrivateKey(path), /Missing password for encrypted private key/);
    await assert.rejects(readPrivateKey(`${path}:other`), /Wrong password: could not decrypt/);
  }
});

test("what is no key, or none of that kind, is refused by the words that skopeo has", async () => {
  const none = folder.in("none");
  const pem = rsa.privateKey.export({ type: "pkcs8", format: "pem" });
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  const ed = generateKeyPairSync("ed25519").publicKey;
  const recipients: readonly [string, RegExp][] = [
    ["key", /^Invalid recipient format$/],
    ["foo:key", /^Provided protocol not recognized$/],
    [`jwe:${none}`, /^Unable to read file: open .*none: no such file or directory$/],
    ["pgp:ann@example.com", /^encrypting for pgp: is not supported yet$/],
    ["pkcs7:cert.pem", /^encrypting for pkcs7: is not supported yet$/],
  ];
  for (const [text, message] of recipients) await assert.rejects(readRecipient(text), { message });
  const noKeys: readonly [string | Buffer, RegExp][] = [
    [pem, /^File provided is not a public key$/],
    ["text", /^File provided is not a public key$/],
    ["", /^File provided is not a public key$/],
    [
      JSON.stringify(rsa.privateKey.export({ format: "jwk" })),
      /^File provided is not a public key$/,
    ],
    [short.export({ type: "spki", format: "pem" }), /^an RSA key of 1024 bits is too short$/],
    [ed.export({ type: "spki", format: "pem" }), /^a key of type ed25519 cannot be encrypted for$/],
  ];
  for (const [content, message] of noKeys) {
    const path = await file(content);
    await assert.rejects(readRecipient(`jwe:${path}`), { code: "encryption.bad-key", message });
  }
  await assert.rejects(readPrivateKey(none), {
    message: `open ${none}: no such file or directory`,
  });
  for (const content of ["text", "", rsa.publicKey.export({ type: "spki", format: "pem" })])
    assert.equal(await readPrivateKey(await file(content)), undefined);
  assert.equal(await readPrivateKey("provider:x"), undefined);
  for (const [text, message] of [
    [
      `${none}:fd=x`,
      'could not parse file descriptor x: strconv.Atoi: parsing "x": invalid syntax',
    ],
    [`${none}:fd=777`, "could not read from file descriptor: read pwdfile: bad file descriptor"],
    [folder.path, `Unable to read file: read ${folder.path}: is a directory`],
  ] as const)
    await assert.rejects(readPrivateKey(text), { message });
});
