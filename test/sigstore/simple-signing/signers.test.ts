import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Signer } from "../../../sigstore/signer.ts";
import { createGpgSigner } from "../../../sigstore/simple-signing/gpg-signer.ts";
import { createKeyFileSigner } from "../../../sigstore/simple-signing/key-file-signer.ts";
import { createSimpleSigningVerifier } from "../../../sigstore/simple-signing/verifier.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { armored } from "../../support/openpgp/armored.ts";
import { certificate } from "../../support/openpgp/certificate.ts";
import { forgeKey } from "../../support/openpgp/forge.ts";
import {
  fingerprints,
  type GpgHome,
  generateKey,
  gpgAccepts,
  gpgHome,
} from "../../support/openpgp/gpg.ts";
import { claim } from "../../support/openpgp/verify.ts";
import { requirePeer, skipWithout } from "../../support/peers.ts";
import { run } from "../../support/run.ts";

const skip = skipWithout("gpg");
const now = () => new Date();
const creator = "amphora 1.2.3";
const { signal } = new AbortController();
const passphrase = "correct horse";
const protectedBy = ["--pinentry-mode", "loopback", "--passphrase"];
let home: GpgHome;
let environment: Record<string, string>;

before(() => {
  if (skip) return;
  home = gpgHome();
  // A passphrase is good for one signature, so that every test may be run again.
  writeFileSync(join(home.path, "gpg-agent.conf"), "default-cache-ttl 0\nmax-cache-ttl 0\n");
  environment = { GNUPGHOME: home.path, HOME: home.path, PATH: "/usr/bin:/bin" };
  generateKey(home, "plain <plain@example.com>", "ed25519");
  generateKey(home, "rsa <rsa@example.com>", "rsa2048");
  generateKey(home, "p256 <p256@example.com>", "nistp256");
  home.output([
    ...protectedBy,
    passphrase,
    "--quick-generate-key",
    "locked",
    "ed25519",
    "default",
    "never",
  ]);
  generateKey(home, "parent", "ed25519");
  const [parent = ""] = fingerprints(home, "parent");
  home.output([...protectedBy, "", "--quick-add-key", parent, "ed25519", "sign", "never"]);
});

after(() => home?.[Symbol.dispose]());

const gpg = (key: string, more: { passphrase?: string } = {}) =>
  createGpgSigner({ key, environment, creator, now, ...more });
const keyOf = (name: string) => fingerprints(home, name)[0] ?? "";
const secret = (name: string, ...args: readonly string[]) =>
  home.output([
    ...protectedBy,
    name === "locked" ? passphrase : "",
    ...args,
    "--export-secret-keys",
    name,
  ]);
const keyFile = (file: Uint8Array, more: { passphrase?: string } = {}) =>
  createKeyFileSigner({ keyFile: file, creator, now, ...more });
const exported = (name: string) => home.output(["--export", name]);

/** Both signers make the same of a key: it is verified by us, by GnuPG and by skopeo. */
async function isGood(signer: Signer, name: string): Promise<void> {
  const signature = await signer.sign(claim, { signal });
  assert.ok(signature.format === "simple-signing");
  assert.equal(signer.format, "simple-signing");
  const [primary = ""] = fingerprints(home, name);
  const verifier = createSimpleSigningVerifier([exported(name)], { now });
  const verified = await verifier.verify(signature);
  assert.equal(signer.keyId, primary);
  assert.equal(verified.keyFingerprint, primary);
  assert.equal(verified.claim.dockerReference, claim.dockerReference);
  assert.equal(verified.claim.manifestDigest, claim.manifestDigest);
  assert.ok(gpgAccepts(exported(name), signature.bytes));
  assert.ok(await signer.hasMade(signature, claim));
  assert.equal(await signer.hasMade(signature, { ...claim, dockerReference: "a/b:d" }), false);
  const another = { ...claim, manifestDigest: digestOf(Buffer.from("x")) };
  assert.equal(await signer.hasMade(signature, another), false);
  await skopeoAccepts(signature.bytes, primary);
}

/** Debian's skopeo 1.9 uses the keys of the home. */
async function skopeoAccepts(bytes: Uint8Array, fingerprint: string): Promise<void> {
  if (skipWithout("skopeo")) return;
  writeFileSync(join(home.path, "manifest"), "{}");
  writeFileSync(join(home.path, "signature"), bytes);
  const args = ["standalone-verify", "manifest", claim.dockerReference, fingerprint, "signature"];
  const { exitCode, stderr } = await run(requirePeer("skopeo"), args, {
    cwd: home.path,
    env: environment,
  });
  assert.equal(exitCode, 0, stderr);
}

for (const name of ["plain", "rsa", "p256", "parent"]) {
  test(`createGpgSigner() signs with the primary key of ${name}, and skopeo takes it`, {
    skip,
  }, async () => {
    await using signer = await gpg(keyOf(name));
    await isGood(signer, name);
  });

  test(`createKeyFileSigner() signs with the primary key of ${name}, and skopeo takes it`, {
    skip,
  }, async () => {
    for (const file of [secret(name), secret(name, "--armor")]) {
      await using signer = await keyFile(file);
      await isGood(signer, name);
    }
  });
}

test("createGpgSigner() finds a key by fingerprint, key ID, address and name", {
  skip,
}, async () => {
  const [fingerprint = ""] = fingerprints(home, "plain");
  const names = [fingerprint, `0x${fingerprint}`, fingerprint.slice(-16), "plain@example.com"];
  for (const name of [...names, "=plain <plain@example.com>", fingerprint.toLowerCase()]) {
    await using signer = await gpg(name);
    assert.equal(signer.keyId, fingerprint);
  }
  for (const name of ["nobody@example.com", "--export", "-r", "", "plain", "example"]) {
    const message = name.length < 8 ? "Invalid value" : `key "${name}" not found`;
    await assert.rejects(gpg(name), { code: "signature.cannot-sign", message });
  }
  await assert.rejects(gpg("@example.com"), {
    code: "signature.cannot-sign",
    message: "Ambiguous name",
  });
});

test("createGpgSigner() tells of a key that has expired or is revoked before it signs", {
  skip,
}, async () => {
  const [made, ends] = ["20250101T000000", "2025-06-01"];
  const kind = ["--quick-generate-key", "expired", "ed25519", "sign", ends];
  home.output([...protectedBy, "", ...kind], { time: made });
  generateKey(home, "revoked", "ed25519");
  const [revoked = ""] = fingerprints(home, "revoked");
  const place = join(home.path, "openpgp-revocs.d", `${revoked}.rev`);
  const certificate = readFileSync(place, "utf8").replace(":-----BEGIN", "-----BEGIN");
  home.output(["--import"], { input: Buffer.from(certificate) });
  for (const name of ["=expired", "=revoked"])
    await assert.rejects(gpg(name), {
      code: "signature.cannot-sign",
      message: "Unusable secret key",
    });
});

test("createGpgSigner() signs with the subkey that is named", { skip }, async () => {
  const [primary = "", subkey = ""] = fingerprints(home, "parent");
  await using signer = await gpg(subkey);
  const signature = await signer.sign(claim, { signal });
  const verifier = createSimpleSigningVerifier([exported("parent")], { now });
  const { signedBy, keyFingerprint } = await verifier.verify(signature);
  assert.deepEqual([signedBy, keyFingerprint], [primary, subkey]);
  assert.ok(await signer.hasMade(signature, claim));
});

test("createGpgSigner() unlocks a key with a passphrase, and says when it is the wrong one", {
  skip,
}, async () => {
  await using byFile = await keyFile(secret("locked"), { passphrase });
  const standing = await byFile.sign(claim, { signal });
  const bad = { code: "signature.cannot-sign", message: "Bad passphrase" };
  await using wrong = await gpg(keyOf("locked"), { passphrase: "wrong" });
  await assert.rejects(wrong.sign(claim, { signal }), bad);
  await assert.rejects(wrong.hasMade(standing, claim), bad); // though there is nothing to sign
  await using signer = await gpg(keyOf("locked"), { passphrase });
  await isGood(signer, "locked");
  const broken = {
    code: "signature.cannot-sign",
    message: "invalid passphrase: must not contain a line break",
  };
  await assert.rejects(gpg(keyOf("locked"), { passphrase: "a\nb" }), broken);
  await assert.rejects(keyFile(secret("locked"), { passphrase: "a\nb" }), broken);
});

test("createGpgSigner() makes the same message whatever gpg.conf says", { skip }, async () => {
  const conf = join(home.path, "gpg.conf");
  writeFileSync(conf, "armor\ntextmode\ncompress-algo bzip2\n");
  try {
    await using signer = await gpg(keyOf("plain"));
    await isGood(signer, "plain");
  } finally {
    writeFileSync(conf, "");
  }
});

test("createGpgSigner() says when there is no GnuPG, and stops when it is told to", {
  skip,
}, async () => {
  const empty = join(home.path, "empty");
  mkdirSync(empty, { recursive: true });
  const without = { key: "plain@example.com", environment: { PATH: empty }, creator, now };
  await assert.rejects(createGpgSigner(without), {
    code: "signature.cannot-sign",
    message: "running gpg: spawn gpg ENOENT",
    hint: "Install GnuPG, or sign with a key file",
  });
  await using signer = await gpg(keyOf("plain"));
  const reason = new Error("enough");
  await assert.rejects(signer.sign(claim, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const signing = signer.sign(claim, { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(signing, reason);
});

test("createKeyFileSigner() unlocks a key file, and says when it cannot", { skip }, async () => {
  await using signer = await keyFile(secret("locked"), { passphrase });
  await isGood(signer, "locked");
  await assert.rejects(keyFile(secret("locked"), { passphrase: "wrong" }), {
    code: "signature.cannot-sign",
    message: "Bad passphrase",
  });
  await assert.rejects(keyFile(secret("locked")), { message: "the key file is protected" });
});

test("createKeyFileSigner() signs with a subkey where the primary secret is kept elsewhere", {
  skip,
}, async () => {
  const [primary = "", subkey = ""] = fingerprints(home, "parent");
  const file = home.output([...protectedBy, "", "--export-secret-subkeys", "parent"]);
  await using signer = await keyFile(file);
  const verifier = createSimpleSigningVerifier([exported("parent")], { now });
  const { signedBy, keyFingerprint } = await verifier.verify(await signer.sign(claim, { signal }));
  assert.deepEqual([signedBy, keyFingerprint], [primary, subkey]);
});

test("createKeyFileSigner() refuses files that are not of one secret key that signs", {
  skip,
}, async () => {
  const both = Buffer.concat([secret("plain"), secret("rsa")]);
  const refused: readonly (readonly [file: Uint8Array, message: string | RegExp])[] = [
    [Buffer.from("garbage"), "no secret key in the key file"],
    [exported("plain"), "no secret key in the key file"],
    [
      armored(certificate(forgeKey("ed25519", 1_700_000_000), { created: 1_700_000_000 })),
      "no secret key in the key file",
    ],
    [both, "more than one key in the key file"],
    [
      Buffer.concat([secret("plain", "--armor"), secret("rsa", "--armor")]),
      "more than one key in the key file",
    ],
  ];
  for (const [file, message] of refused) {
    await assert.rejects(keyFile(file), { code: "signature.cannot-sign", message });
  }
});

test("createKeyFileSigner() refuses a key that nobody would accept", { skip }, async () => {
  const weak = generateKey(home, `weak ${randomUUID()}`, "rsa1024");
  await assert.rejects(keyFile(secret(weak)), /is of a kind that is not accepted: RSA 1024$/);
  const later = () => new Date(Date.now() - 86_400_000);
  const early = createKeyFileSigner({ keyFile: secret("plain"), creator, now: later });
  await assert.rejects(early, /is from the future$/);
});

test("createKeyFileSigner() does not sign with a key that has expired meanwhile", {
  skip,
}, async () => {
  const unlocked = [...protectedBy, "", "--quick-generate-key"];
  const brief = `brief ${randomUUID()}`;
  home.output([...unlocked, brief, "ed25519", "default", "1d"]);
  let time = Date.now();
  const clock = () => new Date(time);
  await using signer = await createKeyFileSigner({ keyFile: secret(brief), creator, now: clock });
  await signer.sign(claim, { signal });
  time += 2 * 86_400_000;
  await assert.rejects(signer.sign(claim, { signal }), { code: "signature.cannot-sign" });
});

test("createKeyFileSigner() hands out nothing that is not good when it is made", {
  skip,
}, async () => {
  const unlocked = [...protectedBy, "", "--quick-generate-key"];
  const brief = `brief ${randomUUID()}`;
  home.output([...unlocked, brief, "ed25519", "default", "1d"]);
  const started = Date.now();
  let left = Number.POSITIVE_INFINITY;
  // Two looks at the clock are for what is signed, the next is the verifier's.
  const clock = () => new Date(left-- > 0 ? started : started + 2 * 86_400_000);
  await using signer = await createKeyFileSigner({ keyFile: secret(brief), creator, now: clock });
  left = 2;
  await assert.rejects(signer.sign(claim, { signal }), {
    code: "signature.cannot-sign",
    message: /^the signature by key [0-9A-F]{40} is not a good one$/,
  });
});

test("createKeyFileSigner() makes the same of the same, and nothing once it was called off", {
  skip,
}, async () => {
  const time = new Date(Date.now() + 5000); // not the system's: what is signed says when by the signer's clock alone
  const options = { keyFile: secret("plain"), creator, now: () => time };
  await using signer = await createKeyFileSigner(options);
  const made = await signer.sign(claim, { signal });
  assert.deepEqual(await signer.sign(claim, { signal }), made);
  const seconds = Buffer.alloc(4);
  seconds.writeUInt32BE(Math.floor(time.getTime() / 1000));
  assert.ok(made.format === "simple-signing");
  assert.equal(Buffer.from(made.bytes).toString("hex").split(seconds.toString("hex")).length, 3);
  const reason = new Error("enough");
  await assert.rejects(signer.sign(claim, { signal: AbortSignal.abort(reason) }), reason);
});

test("createKeyFileSigner() says so of a key of RFC 9580", async () => {
  const { generateKey } = await import("openpgp");
  const { privateKey } = await generateKey({
    userIDs: { name: "new" },
    config: { v6Keys: true },
    format: "object",
  });
  const fingerprint = privateKey.getFingerprint().toUpperCase();
  await assert.rejects(keyFile(privateKey.write()), {
    code: "signature.cannot-sign",
    message: `key ${fingerprint} is of a version that is not supported`,
  });
});
