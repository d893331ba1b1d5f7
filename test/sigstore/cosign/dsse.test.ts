import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { isSignedForBundle, preAuthEncoding } from "../../../sigstore/cosign/dsse.ts";
import { testKey } from "../../support/certificates.ts";

const data = Buffer.from("what is signed");

test("preAuthEncoding() counts bytes, of the type as of the payload", () => {
  const encoded = (type: string, payload: string) =>
    preAuthEncoding(type, Buffer.from(payload)).toString();
  assert.equal(
    encoded("http://example.com/HelloWorld", "hello world"), // from the DSSE protocol
    "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
  );
  assert.equal(encoded("é", "ü"), "DSSEv1 2 é 2 ü");
  assert.equal(encoded("", ""), "DSSEv1 0  0 ");
});

test("isSignedForBundle() takes of each kind of key the hash that belongs to it", () => {
  const fitting = { p256: "sha256", p384: "sha384", p521: "sha512", rsa: "sha256" } as const;
  for (const [kind, wanted] of Object.entries(fitting) as [keyof typeof fitting, string][]) {
    const { publicKey, privateKey } = testKey(kind, "bundle");
    for (const hash of ["sha256", "sha384", "sha512"]) {
      const isSigned = isSignedForBundle(publicKey, data, sign(hash, data, privateKey));
      assert.equal(isSigned, hash === wanted, `${kind} ${hash}`);
    }
  }
  const { publicKey, privateKey } = testKey("ed25519", "bundle");
  const signature = sign(null, data, privateKey);
  assert.ok(isSignedForBundle(publicKey, data, signature));
  assert.ok(!isSignedForBundle(publicKey, Buffer.from("other"), signature));
});

test("isSignedForBundle() takes no other curve and no other kind of key", () => {
  const pairs: readonly (readonly [{ publicKey: KeyObject; privateKey: KeyObject }, string?])[] = [
    [generateKeyPairSync("ec", { namedCurve: "secp256k1" }), "sha256"],
    [generateKeyPairSync("ec", { namedCurve: "P-224" }), "sha256"],
    [generateKeyPairSync("ed448")],
    [generateKeyPairSync("x25519")],
  ];
  for (const [{ publicKey, privateKey }, hash] of pairs) {
    const canSign = publicKey.asymmetricKeyType !== "x25519";
    const signature = canSign ? sign(hash, data, privateKey) : Buffer.alloc(64);
    assert.equal(isSignedForBundle(publicKey, data, signature), false);
  }
});
