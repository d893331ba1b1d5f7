import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parseSignedMessage } from "../../../sigstore/simple-signing/openpgp/message.ts";
import { packetTags, readPackets } from "../../../sigstore/simple-signing/openpgp/packets.ts";
import { fingerprints, type GpgHome, generateKey, gpgHome } from "../../support/openpgp/gpg.ts";
import { packet } from "../../support/openpgp/packets.ts";
import { payload, verdict } from "../../support/openpgp/verify.ts";
import { requirePeer, skipWithout } from "../../support/peers.ts";
import { run } from "../../support/run.ts";

// The corpus of `specs` signing.md 6.1 as GnuPG itself makes it: keys and messages are real.
const skip = skipWithout("gpg");
let home: GpgHome;
const accepted = "accepted";

const algorithms = {
  ed: "ed25519",
  rsa: "rsa3072",
  p256: "nistp256",
  brainpool: "brainpoolP256r1",
  secp: "secp256k1",
  weak: "rsa1024",
} as const;

before(() => {
  if (skip) return;
  home = gpgHome();
  for (const [name, algorithm] of Object.entries(algorithms)) generateKey(home, name, algorithm);
  generateKey(home, "faded", "ed25519", "20200101T000000");
});

after(() => home?.[Symbol.dispose]());

const exported = (name: string) => home.output(["--export", name]);
const signed = (args: readonly string[], time?: string) =>
  home.output([...args, "--sign"], { input: payload, ...(time !== undefined && { time }) });

const messages: readonly (readonly [name: string, args: readonly string[], says: string])[] = [
  ["A1", ["-u", "ed"], accepted],
  ["A2 RSA", ["-u", "rsa"], accepted],
  ["A2 P-256", ["-u", "p256"], accepted],
  ["A2brain", ["-u", "brainpool"], accepted],
  ["A2secp", ["-u", "secp"], accepted],
  ["A2rsa1024", ["-u", "weak"], "signature.weak"],
  ["A31 zip", ["-u", "ed", "--compress-algo", "zip"], accepted],
  ["A31 zlib", ["-u", "ed", "--compress-algo", "zlib"], accepted],
  ["A31 bzip2", ["-u", "ed", "--compress-algo", "bzip2"], "signature.malformed"],
  ["uncompressed", ["-u", "rsa", "-z", "0"], accepted],
  ["A28", ["-u", "ed", "--textmode"], accepted],
  ["A37", ["-u", "ed", "--for-your-eyes-only"], accepted],
  ["A24 SHA-1", ["-u", "rsa", "--digest-algo", "SHA1"], "signature.weak"],
  ["A24 RIPEMD-160", ["-u", "rsa", "--digest-algo", "RIPEMD160"], "signature.weak"],
  ["SHA-224", ["-u", "rsa", "--digest-algo", "SHA224"], accepted],
  ["SHA-384", ["-u", "rsa", "--digest-algo", "SHA384"], accepted],
  ["SHA-512", ["-u", "p256", "--digest-algo", "SHA512"], accepted],
  ["A35a", ["-u", "ed", "--set-notation", "a@b.example=c"], accepted],
  ["A35", ["-u", "ed", "--set-notation", "!a@b.example=c"], "signature.bad"],
  ["A11", ["-u", "ed", "-u", "rsa"], "signature.malformed"],
  ["A12", ["-u", "ed", "--detach-sign"], "signature.malformed"],
  ["A13", ["-u", "ed", "--clearsign"], "signature.malformed"],
  ["A14", ["-u", "ed", "--armor"], "signature.malformed"],
  ["A15", ["--store"], "signature.malformed"],
  ["A15, not compressed", ["-z", "0", "--store"], "signature.malformed"],
  [
    "A16",
    ["-u", "ed", "--pinentry-mode", "loopback", "--passphrase", "x", "--symmetric"],
    "signature.malformed",
  ],
];

for (const [name, args, says] of messages) {
  test(`verify() of a message by GnuPG: ${name}: ${says}`, { skip }, async () => {
    const isCommand = args.some((one) => /^--(?:detach-sign|clearsign|store)$/.test(one));
    const message = isCommand ? home.output(args, { input: payload }) : signed(args);
    assert.equal(await verdict([home.output(["--export"])], message), says);
  });
}

test("verify() takes keys of GnuPG in every form", { skip }, async () => {
  const message = signed(["-u", "ed"]);
  const unlocked = ["--pinentry-mode", "loopback", "--passphrase", ""];
  const forms = [
    exported("ed"),
    home.output(["--armor", "--export", "ed"]),
    home.output([...unlocked, "--export-secret-keys", "ed"]),
    home.output([...unlocked, "--armor", "--export-secret-keys", "ed"]),
    home.output(["--export"]),
    home.output(["--armor", "--export"]),
    home.output(["--export-options", "export-minimal", "--export", "ed"]),
  ];
  for (const form of forms) assert.equal(await verdict([form], message), accepted);
  const keybox = readFileSync(join(home.path, "pubring.kbx"));
  assert.equal(await verdict([keybox], message), "signature.bad-trust");
  assert.equal(await verdict([exported("rsa")], message), "signature.unknown-key");
});

test("verify() knows GnuPG's subkeys, their revocation and their expiry", { skip }, async () => {
  const unlocked = ["--pinentry-mode", "loopback", "--passphrase", ""];
  generateKey(home, "parent", "ed25519");
  const [primary = ""] = fingerprints(home, "parent");
  home.output([...unlocked, "--quick-add-key", primary, "ed25519", "sign", "2d"]);
  const subkey = fingerprints(home, "parent").at(-1) ?? "";
  const message = signed(["-u", `${subkey}!`]);
  const inTime = exported("parent");
  assert.equal(await verdict([inTime], message), accepted);
  const later = new Date(Date.now() + 3 * 86_400_000);
  assert.equal(await verdict([inTime], message, later), "signature.expired-key");
  assert.equal(await verdict([inTime], signed(["-u", `${primary}!`]), later), accepted);
  home.output([...unlocked, "--command-fd", "0", "--edit-key", primary], {
    input: Buffer.from("key 1\nrevkey\ny\n0\n\ny\nsave\n"),
  });
  assert.equal(await verdict([exported("parent")], message), "signature.revoked-key");
  assert.equal(await verdict([inTime], message), accepted);
});

test("verify() judges GnuPG's keys now, by what was said last", { skip }, async () => {
  const unlocked = ["--pinentry-mode", "loopback", "--passphrase", ""];
  const [primary = ""] = fingerprints(home, "faded");
  const message = signed(["-u", "faded"], "20200201T000000");
  assert.equal(await verdict([exported("faded")], message), accepted);
  home.output([...unlocked, "--quick-set-expire", primary, "1y"], { time: "20200101T000100" });
  const expired = exported("faded");
  assert.equal(await verdict([expired], message), "signature.expired-key");
  assert.equal(await verdict([expired], message, new Date("2020-06-01")), accepted);
  assert.equal(await verdict([expired], message, new Date("2020-01-15")), "signature.bad");
  home.output([...unlocked, "--quick-set-expire", primary, "never"]);
  const renewed = exported("faded");
  assert.equal(await verdict([renewed], message), accepted);
  assert.equal(await verdict([expired, renewed], message), accepted);
  const brief = signed(["-u", "faded", "--default-sig-expire", "1d"], "20200201T000000");
  assert.equal(await verdict([renewed], brief), "signature.expired");
  const text = readFileSync(join(home.path, "openpgp-revocs.d", `${primary}.rev`), "utf8");
  const revocation = Buffer.from(text.replace(/^:(?=-----BEGIN)/m, ""));
  assert.equal(await verdict([renewed, revocation], message), "signature.revoked-key");
  home.output(["--import"], { input: revocation });
  assert.equal(await verdict([exported("faded")], message), "signature.revoked-key");
  assert.equal(await verdict([renewed], message), accepted);
});

test("verify() and Sequoia agree on what GnuPG made", {
  skip: skipWithout("gpg", "sqv"),
}, async () => {
  for (const name of ["ed", "rsa", "p256"]) {
    for (const isSpoilt of [false, true]) {
      const message = signed(["-u", name, "-z", "0"]);
      if (isSpoilt) message[message.indexOf("a/b:c")] = 0x62;
      assert.equal(await verdict([exported(name)], message), isSpoilt ? "signature.bad" : accepted);
      assert.equal(await sequoiaAccepts(exported(name), message), !isSpoilt);
    }
  }
});

async function sequoiaAccepts(keys: Uint8Array, message: Uint8Array): Promise<boolean> {
  const files = {
    keys,
    signature: detached(message),
    content: parseSignedMessage(message).content,
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(home.path, name), bytes);
  const args = ["--keyring", "keys", "signature", "content"];
  return (await run(requirePeer("sqv"), args, { cwd: home.path })).exitCode === 0;
}

function detached(message: Uint8Array): Uint8Array {
  const found = readPackets(message).find(({ tag }) => tag === packetTags.signature);
  return packet(packetTags.signature, found?.body ?? new Uint8Array());
}
