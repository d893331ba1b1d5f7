import assert from "node:assert/strict";
import { test } from "node:test";
import { looksLike } from "../../policy/key-file-kind.ts";

test("looksLike() tells PEM and armour by the first block", () => {
  const rows = [
    ["PGP PUBLIC KEY BLOCK", "openpgp"],
    ["PGP SIGNATURE", "openpgp"],
    ["PGP PRIVATE KEY BLOCK", "private"],
    ["PUBLIC KEY", "public-key"],
    ["RSA PUBLIC KEY", "public-key"],
    ["CERTIFICATE", "certificates"],
    ["CERTIFICATE REQUEST", "unknown"],
    ["X509 CRL", "unknown"],
    ["PUBLIC KEY PGP ", "unknown"],
    ["EC PRIVATE KEY", "private"],
    ["ENCRYPTED SIGSTORE PRIVATE KEY", "private"],
  ] as const;
  for (const [label, kind] of rows) {
    const block = `-----BEGIN ${label}-----\nAAAA\n`;
    assert.equal(looksLike(Buffer.from(block)), kind, label);
    assert.equal(looksLike(Buffer.from(`subject=x\n${block}`)), kind, label);
    assert.equal(looksLike(Buffer.from(`${block}-----BEGIN OTHER-----\n`)), kind, label);
    assert.equal(looksLike(Buffer.from(`x ${block}`)), "unknown", label);
  }
  for (const text of ["", "hello", "-----BEGIN x-----\n", "-----BEGIN CERTIFICATE----\n"]) {
    assert.equal(looksLike(Buffer.from(text)), "unknown", text);
  }
});

test("looksLike() tells OpenPGP by the tag of the first packet, in both formats", () => {
  for (let first = 0; first < 256; first++) {
    const [isOld, isNew] = [(first & 0xc0) === 0x80, (first & 0xc0) === 0xc0];
    const tag = isOld ? (first & 0x3c) >> 2 : isNew ? first & 0x3f : undefined;
    const kind = tag === 5 ? "private" : tag === 6 ? "openpgp" : "unknown";
    assert.equal(looksLike(Buffer.of(first, 1)), kind, `${first}`);
  }
});
