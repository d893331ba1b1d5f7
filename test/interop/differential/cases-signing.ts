import { requirePeer } from "../../support/peers.ts";
import { run } from "../../support/run.ts";
import { type Case, plainCase } from "./case.ts";
import type { World } from "./world.ts";

/** Two OpenPGP keys, and what skopeo 1.22 made with the first for `schema2.json` under the name `a.test/x:1`. */
const ann = "C5B9A6BD480AFA4207B20E8FC265CFCF4C2A391F";
const bob = "BE0683654C2F3100F742148D7A3DFAB4A025F0C2";
const files: Readonly<Record<string, string>> = {
  "ann.pub":
    "mDMEawjMhBYJKwYBBAHaRw8BAQdABKzmUAv0l77sL3qbHldbkyuLjA97oAx5ZL3DiIgT47q0CGFAeC50ZXN0iJAEExYIADgWIQTFuaa9SAr6QgeyDo/CZc/PTCo5HwUCawjMhAIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRDCZc/PTCo5H1SEAP9B0FmtCReEPvismDDXCeKoGDjs83XM85suPeRISpkZewD/QnCQrguCenUFStKyCJVMGZkp5uXEASrHWgZZP3t31gA=",
  "bob.pub":
    "mDMEawjMhRYJKwYBBAHaRw8BAQdA1ugjZDSBCRmU/cp4DeG8j7FqeU55SHRByoxagAeqA8m0CGJAeC50ZXN0iJAEExYIADgWIQS+BoNlTC8xAPdCFI16Pfq0oCXwwgUCawjMhQIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRB6Pfq0oCXwwpKCAPsEixQDHYxCejbv0dL9jKfQIvALl74HvBfxoEwwyWfHCwEAudHs04CkmW8RnjgRBVsNrF438wjz/4XW8iTr9uthYQg=",
  sig: "owGbwMvMwCV2KPX8eR8tS3nG0wcCkhiyOa4fr1ZKLsosyUxOzFGyqlbKTEnNK8ksqQSxU/KTs1OLdItS01KLUvOSU5WslBL1SlKLS/QrrAyVanWUMnMT01ORVOYm5mWmAeV1UzLTgRRQfXFGopGpmZWJhal5oqmFZWpyspGBhYWhqVmKQYqxpYlRkomlRZJRqqWpRYpRsmGaeVKimaWlsZF5qnmKeVJakmmigaGBRbIJyLKSygKwC0ryczOTFZLz80oSM/NSixSKM9PzEktKi1JBivILSjLz8yBeSS5KBSouQugx1TO21DNUAhqVmQt0XmJugZKVobmlqbmJoZmxZW1tRykLgxgXg6yYIsvRncv2enD9cmLfxNcPCzJWJlBwMXBxCsBEzh1hZHjGtkfas62pzWLVk6Nr98Z0RRtu93e1fPWkRV/TavPC2tOMDNMEuQ4XLT1+kufQQpGCzmPPLN6+Oen+IcX71dXT27tvLeUBAA==",
  /** Signs the word "falsch". */
  word: "owGbwMvMwCF2KPX8eR8tS3nGNUJJrOVF+Xnp2RzXj6cl5hQnZ3B1lLIwiHEwyIopshzduWyvB9cvJ/ZNfP0wPaxMILUMXJwCMJHXlxgZ1lxb/lujectUN/P2W5pbnOO4ZfOM9rVbCrTFP+WYL1znzPC/YJn37utpmbm+OXxpQklGl96GdL9fvSzffWnyXcsXn5/xAgA=",
};

async function withFiles(world: World): Promise<void> {
  for (const [name, text] of Object.entries(files))
    await world.write(`work/${name}`, Buffer.from(text, "base64"));
  await world.write("work/pass", "geheim\n");
  await world.write("work/wrong", "falsch\n");
}

/** The keys in the user's own keyring besides. */
async function withKeyring(world: World): Promise<void> {
  await withFiles(world);
  const home = world.folder.in("home");
  const env = { HOME: home };
  const keys = [world.in("ann.pub"), world.in("bob.pub")];
  await run(requirePeer("gpg"), ["--batch", "--no-autostart", "--import", ...keys], { env });
}

const fromFiles = (line: string, more: Partial<Case> = {}): Case =>
  plainCase(line, { prepare: withFiles, ...more });
const fromKeyring = (line: string): Case => plainCase(line, { prepare: withKeyring });

/** After a key pair `k` was made by the same program. */
const withKeyPair = (line: string): Case =>
  plainCase(line, {
    furnish: withFiles,
    before: () => [["generate-sigstore-key", "--output-prefix", "k", "--passphrase-file", "pass"]],
  });

const parameters = (name: string, text: string): Case =>
  plainCase(`copy --sign-by-sigstore params dir:dir dir:out # ${name}`, {
    args: () => ["copy", "--sign-by-sigstore", "params", "dir:dir", "dir:out"],
    prepare: (world) => world.write("work/params", text),
  });

const verify = "standalone-verify schema2.json";

/** The commands that sign and verify files, and the flags of `copy` that sign. */
export const signingCases: readonly Case[] = [
  plainCase("standalone-sign schema2.json a.test/x:1 nobody"),
  plainCase("standalone-sign nowhere.json a.test/x:1 nobody -o out"),
  plainCase("standalone-sign schema2.json '' nobody -o out # no name", {
    args: () => ["standalone-sign", "schema2.json", "", "nobody", "-o", "out"],
  }),
  plainCase("standalone-sign schema2.json a.test/x:1 nobody -o out"),
  plainCase("standalone-sign schema2.json a.test/x:1 nobody -o out --passphrase-file nowhere"),
  plainCase("standalone-verify"),
  fromFiles(`${verify} a.test/x:1 any sig`),
  fromFiles(`standalone-verify nowhere.json a.test/x:1 ${ann} sig`),
  fromKeyring(`${verify} a.test/x:1 ${ann} sig`),
  fromKeyring(`${verify} a.test/x:1 ${bob} sig`),
  fromKeyring(`${verify} a.test/x:2 ${ann} sig`),
  fromKeyring(`${verify} a.test/X:1 ${ann} sig`),
  fromKeyring(`standalone-verify list.json a.test/x:1 ${ann} sig`),
  fromKeyring(`${verify} a.test/x:1 ${ann} schema2.json`),
  fromFiles(`${verify} a.test/x:1 any sig --public-key-file ann.pub`),
  fromFiles(`${verify} a.test/x:1 ${bob},${ann} sig --public-key-file ann.pub`),
  fromFiles(`${verify} a.test/x:1 ${ann.toLowerCase()} sig --public-key-file ann.pub`),
  fromFiles(`${verify} a.test/x:1 any sig --public-key-file bob.pub`),
  fromFiles(`${verify} a.test/x:1 any sig --public-key-file nowhere`),
  plainCase("untrusted-signature-dump-without-verification"),
  fromFiles("untrusted-signature-dump-without-verification sig"),
  fromFiles("untrusted-signature-dump-without-verification word"),
  fromFiles("untrusted-signature-dump-without-verification schema2.json"),
  plainCase("generate-sigstore-key"),
  plainCase("generate-sigstore-key --output-prefix k"),
  fromFiles("generate-sigstore-key --output-prefix k --passphrase-file pass"),
  fromFiles("generate-sigstore-key --output-prefix nowhere/k --passphrase-file pass"),
  withKeyPair("generate-sigstore-key --output-prefix k --passphrase-file pass # there already"),
  plainCase("copy --sign-by nobody dir:dir dir:out", { files: ["out"] }),
  plainCase("copy --sign-by nobody --sign-identity a.test/x dir:dir dir:out"),
  plainCase("copy --sign-by-sq-fingerprint nobody dir:dir dir:out"),
  plainCase("copy --sign-passphrase-file nowhere dir:dir dir:out"),
  fromFiles(
    "copy --sign-by nobody --sign-by-sigstore-private-key k --sign-passphrase-file pass dir:dir dir:out",
  ),
  plainCase("copy --sign-by-sigstore-private-key k --sign-identity a.test/x:1 dir:dir dir:out"),
  withKeyPair(
    "copy --sign-by-sigstore-private-key k.private --sign-passphrase-file pass --sign-identity a.test/x:1 dir:dir dir:out",
  ),
  withKeyPair(
    "copy --all --sign-by-sigstore-private-key k.private --sign-passphrase-file pass --sign-identity a.test/x:1 dir:dirlist dir:out",
  ),
  withKeyPair(
    "copy --sign-by-sigstore-private-key k.private --sign-passphrase-file wrong --sign-identity a.test/x:1 dir:dir dir:out",
  ),
  withKeyPair(
    "copy --sign-by-sigstore-private-key k.private --sign-passphrase-file pass --sign-identity a.test/x:1 dir:dir oci:out:v1",
  ),
  withKeyPair(
    "copy --sign-by-sigstore-private-key k.pub --sign-passphrase-file pass --sign-identity a.test/x:1 dir:dir dir:out",
  ),
  parameters("no file", ""),
  parameters("no key", "{}\n"),
  parameters("an unknown member", "privateKeyFil: k\n"),
  parameters("no passphrase", "privateKeyFile: k\n"),
];
