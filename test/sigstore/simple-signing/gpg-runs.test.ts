import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { createGpgSigner } from "../../../sigstore/simple-signing/gpg-signer.ts";
import { claim } from "../../support/openpgp/verify.ts";
import { tempFolder } from "../../support/temp.ts";

// A script in GnuPG's place: for what GnuPG says when something goes wrong, and for what it is asked.

const now = () => new Date();
const creator = "amphora 1.2.3";
const { signal } = new AbortController();
const [primary, subkey] = ["A".repeat(40), "B".repeat(40)];
const cannotSign = "signature.cannot-sign";

/** Lines as `gpg --with-colons --list-secret-keys` has them. */
const listing = (capabilities = "scESC", place = "+") =>
  [
    `sec:u:255:22:${primary.slice(-16)}:1:::u:::${capabilities}:::${place}:`,
    `fpr:::::::::${primary}:`,
    "uid:u::::1::HASH::SOMEBODY::::::::::0:",
    `ssb:u:255:22:${subkey.slice(-16)}:1::::::s:::+:`,
    `fpr:::::::::${subkey}:`,
    "",
  ].join("\n");

interface Script {
  readonly listed?: string;
  /** What it does when it is to sign. */
  readonly sign?: string;
}

/** A signer by a script, which notes how it was called when it was to sign. */
async function scripted({ listed = listing(), sign = "exit 3" }: Script = {}) {
  const folder = await tempFolder();
  writeFileSync(folder.in("listing"), listed);
  const lines = [
    "#!/bin/sh",
    `cd ${folder.path}`,
    'case "$*" in',
    "*--list-secret-keys*) cat listing;;",
    "*--export*) ;;",
    '*) echo "$LC_ALL $*" > called; cat > content; cat <&4 > passphrase;',
    `${sign};;`,
    "esac",
    "",
  ];
  writeFileSync(folder.in("gpg"), lines.join("\n"), { mode: 0o755 });
  const environment = { PATH: `${folder.path}:/usr/bin:/bin`, LC_ALL: "de_DE.UTF-8" };
  return {
    open: (key: string, more: { passphrase?: string } = {}) =>
      createGpgSigner({ key, environment, creator, now, ...more }),
    noted: (name: "called" | "content" | "passphrase") => readFileSync(folder.in(name), "utf8"),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const created = "echo '[GNUPG:] SIG_CREATED S 22 10 00 1 F' >&3";

/** What a GnuPG that goes wrong says, and what is made of it. */
const failures: readonly (readonly [script: string, message: string])[] = [
  ["exit 3", "gpg ended with exit code 3"],
  ["echo 'gpg: fatal: no space' >&2; exit 2", "fatal: no space"],
  ["echo 'gpg: signing failed: No pinentry' >&2; exit 2", "No pinentry"],
  ["echo 'gpg: x: sign failed: No\ngpg: bye' >&2; exit 2", "No"],
  ["echo 'odd gpg: signing failed: No' >&2; exit 2", "odd gpg: signing failed: No"],
  ["echo content", "gpg ended with exit code 0"],
  [`${created}; echo content; exit 2`, "gpg ended with exit code 2"],
  [`${created}; ${created}; echo content`, "gpg ended with exit code 0"],
  ["echo 'x[GNUPG:] SIG_CREATED S 1' >&3; echo content", "gpg ended with exit code 0"],
];

for (const [sign, message] of failures) {
  test(`createGpgSigner() takes nothing from a GnuPG that fails: ${JSON.stringify(sign)}`, async () => {
    await using script = await scripted({ sign });
    await using signer = await script.open("somebody");
    await assert.rejects(signer.sign(claim, { signal }), { code: cannotSign, message });
    const signature = { format: "simple-signing", bytes: Buffer.from("x") } as const;
    assert.equal(await signer.hasMade(signature, claim), false);
  });
}

test("createGpgSigner() has the primary key sign where it can, else a subkey of GnuPG's choice", async () => {
  const keys: readonly (readonly [listed: string, name: string, user: string])[] = [
    [listing(), "somebody", `${primary}!`],
    [listing(), subkey.toLowerCase(), `${subkey}!`],
    [listing(), `0x${subkey}`, `${subkey}!`],
    [listing(), `0X${subkey}`, `${subkey}!`],
    [listing(), primary, `${primary}!`],
    [listing("cESC"), "somebody", primary],
    [listing("cESC"), subkey, `${subkey}!`],
    [listing("scESC", "#"), "somebody", primary],
    [listing("scESC", "D276000124010304"), "somebody", `${primary}!`],
  ];
  for (const [listed, name, user] of keys) {
    await using script = await scripted({ listed, sign: `${created}; printf made` });
    await using signer = await script.open(name);
    assert.equal(signer.keyId, primary);
    const made = await signer.sign(claim, { signal });
    assert.deepEqual(made, { format: "simple-signing", bytes: Buffer.from("made") });
    assert.ok(script.noted("called").includes(` --local-user ${user} --sign`), name);
    assert.match(script.noted("content"), /"docker-reference":"registry\.example\/a\/b:c"/);
  }
});

test("createGpgSigner() wants exactly one key", async () => {
  await using none = await scripted({ listed: "tru::1:1:0:3:1:5\n" });
  await assert.rejects(none.open("somebody"), {
    code: cannotSign,
    message: 'key "somebody" not found',
  });
  await assert.rejects(none.open("some öne"), { message: 'key "some öne" not found' });
  await assert.rejects(none.open("someone"), { message: "Invalid value" });
  await using two = await scripted({ listed: listing() + listing() });
  await assert.rejects(two.open("somebody"), {
    code: cannotSign,
    message: "Ambiguous name",
    hint: "Name the key by its full fingerprint",
  });
});

test("a passphrase goes to GnuPG by a pipe, and GnuPG's agent asks where there is none", async () => {
  await using script = await scripted({ sign: `${created}; printf made` });
  await using asking = await script.open("somebody");
  await asking.sign(claim, { signal });
  assert.match(script.noted("called"), /^C --batch --no-tty --status-fd 3 --yes /);
  assert.doesNotMatch(script.noted("called"), /pinentry|passphrase/);
  for (const passphrase of ["correct horse", ""]) {
    await using signer = await script.open("somebody", { passphrase });
    await signer.sign(claim, { signal });
    assert.match(script.noted("called"), / --pinentry-mode loopback --passphrase-fd 4 /);
    assert.doesNotMatch(script.noted("called"), /horse/);
    assert.equal(script.noted("passphrase"), `${passphrase}\n`);
  }
});
