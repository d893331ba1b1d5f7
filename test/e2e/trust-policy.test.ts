import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { mediaTypes } from "../../src/core/media-type.ts";
import { makeMultiArch } from "../support/images.ts";
import { generateKey, gpgHome } from "../support/openpgp/gpg.ts";
import { skipWithout } from "../support/peers.ts";
import { startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

const skip = skipWithout("gpg");
const policyFile = ".config/containers/policy.json";

/** A home without a policy, with the public keys of two people in its folder. */
async function freshHome(): Promise<CliHome & { path(name: string): string }> {
  const home = await cliHome();
  using gpg = gpgHome();
  for (const name of ["ann", "bob"]) {
    generateKey(gpg, `${name}@a.test`, "ed25519");
    await writeFile(home.folder.in(`${name}.pub`), gpg.output(["--export", `${name}@a.test`]));
  }
  await writeFile(home.folder.in("ann.key"), gpg.output(["--export-secret-keys", "ann@a.test"]));
  await rm(home.folder.in("home", policyFile));
  return { ...home, path: (name) => home.folder.in(name) };
}

async function policyOf(home: CliHome): Promise<unknown> {
  return JSON.parse((await readFile(home.folder.in("home", policyFile))).toString());
}

const signedBy = (path: string) => ({ type: "signedBy", keyType: "GPGKeys", keyPath: path });

test("a first policy refuses what nobody named", { skip }, async () => {
  await using home = await freshHome();
  const run = (...args: string[]) => home.run(args, { cwd: home.folder.path });
  const unasked = await run("trust", "init");
  assert.match(unasked.stderr, /Name whom to trust/);

  const made = await run(
    "trust",
    "init",
    "a.test/team=ann.pub,bob.pub",
    "a.test/team=ann.pub",
    "--accept-local",
  );
  assert.equal(made.exitCode, 0, made.stderr);
  assert.match(made.stdout, /what it does not name is refused/);
  const policy = (await policyOf(home)) as { transports: Record<string, unknown> };
  const [ann, bob] = [home.path("ann.pub"), home.path("bob.pub")];
  assert.deepEqual(policy.transports["docker"], {
    "a.test/team": [{ type: "signedBy", keyType: "GPGKeys", keyPaths: [ann, bob] }, signedBy(ann)],
  });
  assert.deepEqual(policy.transports["dir"], { "": [{ type: "insecureAcceptAnything" }] });
  assert.equal((await stat(home.folder.in("home", policyFile))).mode & 0o777, 0o644);
  const again = await run("trust", "init", "--accept-anything");
  assert.match(again.stderr, /Refusing to overwrite existing/);
  const secret = await run("trust", "init", "--force", "a.test=ann.key");
  assert.match(secret.stderr, /it holds a private key/);
});

test("one scope is changed, and the rest stays", { skip }, async () => {
  await using home = await freshHome();
  const run = (...args: string[]) => home.run(args, { cwd: home.folder.path });
  await home.write(
    policyFile,
    '{"default":[{"type":"reject"}],"transports":{"atomic":{"x":[{"type":"reject"}]}}}',
  );
  const [ann, bob] = [home.path("ann.pub"), home.path("bob.pub")];
  const rows: readonly (readonly [args: readonly string[], docker: unknown])[] = [
    [["-f", "ann.pub", "a.test"], { "a.test": [signedBy(ann)] }],
    [["-f", "ann.pub", "-f", "bob.pub", "a.test"], { "a.test": [signedBy(ann), signedBy(bob)] }],
    [
      [
        "--any",
        "-f",
        "ann.pub",
        "-f",
        "bob.pub",
        "--identity",
        "matchRepository",
        "docker://a.test",
      ],
      {
        "a.test": [
          {
            type: "signedBy",
            keyType: "GPGKeys",
            keyPaths: [ann, bob],
            signedIdentity: { type: "matchRepository" },
          },
        ],
      },
    ],
    [["-t", "accept", "a.test"], { "a.test": [{ type: "insecureAcceptAnything" }] }],
    [["--remove", "a.test"], undefined],
  ];
  for (const [args, docker] of rows) {
    const result = await run("trust", "set", ...args);
    assert.equal(result.exitCode, 0, result.stderr);
    assert.deepEqual(await policyOf(home), {
      default: [{ type: "reject" }],
      transports: { atomic: { x: [{ type: "reject" }] }, ...(docker !== undefined && { docker }) },
    });
  }
  const where = await run("trust", "set", "-t", "accept", "x");
  assert.match(where.stdout, /scope "x" of transport atomic/);
  const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [["a.test"], /at least one public key must be defined for type 'signedBy'/],
    [
      ["-t", "reject", "-f", "ann.pub", "a.test"],
      /1 public keys unexpectedly provided for trust type reject/,
    ],
    [
      ["-t", "foo", "a.test"],
      /invalid choice: foo \(choose from 'accept', 'reject', 'signedBy', 'sigstoreSigned'\)/,
    ],
    [
      ["-f", "ann.pub", "-t", "sigstoreSigned", "a.test"],
      /is one for trust type signedBy, not sigstoreSigned/,
    ],
    [
      ["-f", "ann.pub", "--identity", "exactReference=a.test/x", "a.test"],
      /contains neither a tag nor digest/,
    ],
    [["--remove", "default"], /a policy has to have one/],
  ];
  const before = await policyOf(home);
  for (const [args, message] of refused) {
    const result = await run("trust", "set", ...args);
    assert.equal(result.exitCode, 1);
    assert.match(result.stderr.replaceAll("\\", ""), message);
  }
  assert.deepEqual(await policyOf(home), before);
});

test("pieces of a policy are joined, and contradict each other at no price", { skip }, async () => {
  await using home = await freshHome();
  const run = (...args: string[]) => home.run(args, { cwd: home.folder.path });
  const piece = (name: string, text: object) =>
    home.write(`.config/containers/policy.d/${name}`, JSON.stringify(text));
  const scope = (name: string, type: string) => ({
    transports: { docker: { [name]: [{ type }] } },
  });
  await piece("10-a.json", scope("a.test", "reject"));
  await piece("20-b.json", scope("b.test", "insecureAcceptAnything"));
  await piece("30-a-again.json", scope("a.test", "reject"));
  const folder = home.folder.in("home", ".config/containers/policy.d");
  const bare = await run("trust", "compile", folder);
  assert.match(bare.stderr, /Default policy is missing/);
  await piece("00-default.json", { default: [{ type: "reject" }] });
  const out = home.path("compiled.json");
  const made = await run("trust", "compile", folder, "-o", out);
  assert.equal(made.exitCode, 0, made.stderr);
  assert.deepEqual(JSON.parse((await readFile(out)).toString()), {
    default: [{ type: "reject" }],
    transports: {
      docker: { "a.test": [{ type: "reject" }], "b.test": [{ type: "insecureAcceptAnything" }] },
    },
  });
  assert.equal((await run("trust", "compile", folder, "-o", "/dev/null")).exitCode, 0);
  const full = await run("trust", "compile", folder, "-o", "/dev/full");
  assert.equal(full.exitCode, 1);
  assert.match(full.stderr, /writing the policy: .*no space left on device/);
  await piece("40-a.json", scope("a.test", "insecureAcceptAnything"));
  const torn = await run("trust", "compile", folder);
  assert.match(torn.stderr, /a\.test.* is set in .*10-a\.json and differently in .*40-a\.json/);
  await piece("05-bad.json", { transport: {} });
  const bad = await run("trust", "compile", folder);
  assert.match(bad.stderr, /invalid policy in .*05-bad\.json.*Unknown key .*transport/);
});

test("the policy is shown, and its mistakes are told", { skip }, async () => {
  await using home = await freshHome();
  const run = (...args: string[]) => home.run(args, { cwd: home.folder.path });
  await run("trust", "init", "a.test=ann.pub", "--accept-local");
  await home.write(
    ".config/containers/registries.d/a.yaml",
    "docker:\n  a.test:\n    lookaside: https://sigs.a.test/sigs\n",
  );
  const pem = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
  await writeFile(home.path("key.pem"), pem.export({ type: "spki", format: "pem" }));
  const shown = await run("trust", "show");
  const attachments = await run("trust", "set", "-f", "key.pem", "d.test");
  assert.match(attachments.stderr, /level=warning msg=".*d\.test.*use-sigstore-attachments/);
  await run("trust", "set", "--remove", "d.test");
  assert.match(shown.stdout, /^TRANSPORT +NAME +TYPE +ID +STORE$/m);
  assert.match(shown.stdout, /^all +default +reject$/m);
  assert.match(
    shown.stdout,
    /^repository +a\.test +signed +ann@a\.test +https:\/\/sigs\.a\.test\/sigs$/m,
  );
  const clean = await run("trust", "lint");
  assert.equal(clean.exitCode, 0, clean.stdout);
  await run("trust", "set", "-f", "bob.pub", "c.test");
  await writeFile(home.path("bob.pub"), "not a key");
  const found = await run("trust", "lint", "--json");
  assert.equal(found.exitCode, 1);
  assert.deepEqual(
    JSON.parse(found.stdout).map(({ code, path }: { code: string; path: object }) => [code, path]),
    [
      ["key.imports-nothing", ["transports", "docker", "c.test", 0]],
      ["key.imports-nothing", ["transports", "docker", "c.test", 0]],
    ],
  );
});

test("verify says of a list only what was judged", async () => {
  await using home = await cliHome();
  await using registry = await startRegistry();
  const list = makeMultiArch({ seed: 71, layerBytes: 1500 });
  const digest = registry.seed("ns/list", "v1", list);
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
  );
  registry.seed("ns/empty", "v1", {
    blobs: new Map(),
    manifests: [{ mediaType: mediaTypes.ociIndex, bytes }],
  });
  const policies = { accept: "insecureAcceptAnything", reject: "reject" };
  for (const [name, type] of Object.entries(policies))
    await home.write(`${name}.json`, JSON.stringify({ default: [{ type }] }));
  const verify = (policy: keyof typeof policies, name: string, ...flags: string[]) =>
    home.run([
      "--policy",
      home.folder.in("home", `${policy}.json`),
      "verify",
      ...["--tls-verify=false", ...flags, `docker://${registry.host}/ns/${name}:v1`],
    ]);

  const all = await verify("accept", "list", "--all");
  assert.equal(all.stdout, `docker://${registry.host}/ns/list@${digest}\n`);
  const { stdout } = await verify("accept", "list", "--json");
  const report = JSON.parse(stdout) as {
    readonly digest: string;
    readonly pinned: string;
    readonly images: readonly { readonly digest: string }[];
  };
  const [image] = report.images;
  assert.notEqual(image?.digest, digest);
  assert.equal(report.digest, image?.digest);
  assert.equal(report.pinned, `docker://${registry.host}/ns/list@${image?.digest}`);

  const empty = await verify("reject", "empty", "--all");
  assert.deepEqual([empty.exitCode, empty.stdout], [1, ""]);
  assert.match(empty.stderr, /is rejected by policy/);
  assert.equal((await verify("accept", "empty", "--all")).exitCode, 0);
});

test("lint tells of what beside the policy stops every command", async () => {
  await using home = await cliHome();
  const lint = (...args: string[]) => home.run([...args, "trust", "lint"]);
  assert.equal((await lint()).exitCode, 0);
  await home.write(
    ".config/containers/x-policy.json",
    '{"transports": {"docker": {"a.test": []}}}',
  );
  const { exitCode, stdout } = await lint();
  assert.equal(exitCode, 1);
  assert.match(stdout, /^error: invalid policy in ".*x-policy\.json": /m);
  const named = home.folder.in("home", policyFile);
  assert.equal((await lint("--policy", named)).exitCode, 0);
});
