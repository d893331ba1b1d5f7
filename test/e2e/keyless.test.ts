import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeImage, makeMultiArch } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";
import { sigstoreServices } from "../support/sigstore-services.ts";

async function keylessWorld() {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry());
  const services = stack.use(await sigstoreServices());
  const home = stack.use(await cliHome());
  registry.seed("made/app", "v1", makeImage());
  await home.write(
    ".config/containers/registries.d/default.yaml",
    "default-docker:\n  use-sigstore-attachments: true\n",
  );
  const at = (...names: readonly string[]) => home.folder.in(...names);
  await writeFile(at("rekor.pub"), services.rekor.pem);
  await writeFile(at("root.pem"), services.root.pem);
  await writeFile(at("pass"), "secret\n");
  const run = (...args: readonly string[]) => home.run(args, { cwd: home.folder.path });
  const source = `docker://${registry.host}/made/app:v1`;
  const sign = async (parameters: string, to: string, ...flags: readonly string[]) => {
    await writeFile(at("sign.yaml"), parameters.replaceAll("ADDRESS", services.url));
    const tls = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    return await run("copy", ...tls, "--sign-by-sigstore", "sign.yaml", ...flags, source, to);
  };
  const admit = async (image: string, requirement: object) => {
    const accept = { type: "sigstoreSigned", rekorPublicKeyPath: at("rekor.pub"), ...requirement };
    const policy = {
      default: [{ type: "reject" }],
      transports: { docker: { [registry.host]: [accept] } },
    };
    await writeFile(at("policy.json"), JSON.stringify(policy));
    const verified = await run("--policy", "policy.json", "verify", "--tls-verify=false", image);
    return verified.exitCode === 0 ? "" : verified.stderr;
  };
  return {
    registry,
    services,
    at,
    run,
    sign,
    admit,
    tags: () => [...registry.store.open("team/app").tags.keys()],
    image: (text: string) => `docker://${registry.host}/${text}`,
    by: (subjectEmail: string) => ({
      fulcio: { caPath: at("root.pem"), oidcIssuer: services.url, subjectEmail },
    }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const withToken = (token: string) =>
  `fulcio: {fulcioURL: ADDRESS, oidcMode: staticToken, oidcIDToken: ${token}}\nrekorURL: ADDRESS\n`;

test("an identity signs without a key of its own, and is admitted as itself alone", async () => {
  await using world = await keylessWorld();
  const image = world.image("team/app:v1");
  const { exitCode, stderr } = await world.sign(withToken(world.services.token()), image);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.equal(await world.admit(image, world.by("me@example.com")), "");
  assert.match(
    await world.admit(image, world.by("you@example.com")),
    /Required email \\"you@example\.com\\" not found/,
  );
});

test("a device's user agrees, and every instance of an index is signed", async () => {
  await using world = await keylessWorld();
  world.registry.seed("made/app", "v1", makeMultiArch());
  const image = world.image("team/app:all");
  const device =
    "{fulcioURL: ADDRESS, oidcMode: deviceGrant, oidcIssuerURL: ADDRESS, oidcClientID: sigstore}";
  const signed = await world.sign(`fulcio: ${device}\nrekorURL: ADDRESS\n`, image, "--all");
  assert.equal(signed.exitCode, 0, signed.stderr);
  assert.match(signed.stdout, /^Enter the verification code ABCD-EFGH in your browser at: /);
  assert.equal(await world.admit(image, world.by("me@example.com")), "");
  const certificates = world.services.requests.filter(({ path }) => path.endsWith("/signingCert"));
  assert.equal(certificates.length, 1);
});

test("a key's signature is in the log, once", async () => {
  await using world = await keylessWorld();
  const made = await world.run(
    "generate-sigstore-key",
    "--output-prefix",
    "key",
    "--passphrase-file",
    "pass",
  );
  assert.equal(made.exitCode, 0, made.stderr);
  const image = world.image("team/app:key");
  const parameters = "privateKeyFile: key.private\nprivateKeyPassphraseFile: pass\n";
  const key = { keyPath: world.at("key.pub") };
  assert.equal((await world.sign(parameters, image)).exitCode, 0);
  assert.match(await world.admit(image, key), /Rekor|dev\.sigstore\.cosign\/bundle/);
  for (let n = 0; n < 2; n++) {
    const { exitCode, stderr } = await world.sign(`${parameters}rekorURL: ADDRESS\n`, image);
    assert.deepEqual([exitCode, stderr], [0, ""]);
  }
  assert.equal(await world.admit(image, key), "");
  assert.equal(world.services.requests.length, 1);
});

test("what is missing for it is told before a byte moves, in skopeo's words", async () => {
  await using world = await keylessWorld();
  const { services } = world;
  for (const [parameters, message] of [
    [
      "rekorURL: ADDRESS",
      "no private key source provided (neither a private key nor Fulcio) when preparing to create sigstore signatures",
    ],
    ["fulcio: {oidcMode: staticToken}", "missing fulcioURL"],
    ["fulcio: {fulcioURL: ADDRESS}", "missing oidcIssuerURL"],
    ["fulcio: {fulcioURL: ADDRESS, oidcIssuerURL: ADDRESS}", "missing oidcMode"],
    [
      "fulcio: {fulcioURL: ADDRESS, oidcIssuerURL: ADDRESS, oidcMode: x}",
      'unknown oidcMode value \\"x\\"',
    ],
    ["fulcio: {fulcioURL: ADDRESS, oidcMode: staticToken}", "missing oidcToken"],
    [
      withToken("abc"),
      "parsing OIDC token: go-jose/go-jose: compact JWS format must have three parts",
    ],
    [
      "fulcio: {fulcioURL: '%zz', oidcMode: staticToken, oidcIDToken: x}",
      'parsing fulcioURL \\"%zz\\": parse \\"%zz\\": invalid URL escape \\"%zz\\"',
    ],
  ] as const) {
    const { exitCode, stderr } = await world.sign(parameters, world.image("team/app:no"));
    assert.equal(exitCode, 1);
    assert.ok(
      stderr.includes(`msg="Error using --sign-by-sigstore: ${message}"`),
      `${stderr}\n${message}`,
    );
  }
  services.answer = ({ path }) =>
    path.endsWith("/signingCert") ? { status: 401, body: "no" } : undefined;
  const refused = await world.sign(withToken(services.token()), world.image("team/app:no"));
  assert.match(
    refused.stderr,
    /obtaining certificate from Fulcio: POST .* returned 401 Unauthorized: /,
  );
  assert.deepEqual(world.tags(), []);
});

test("an image that the log does not take is not signed, and says why", async () => {
  await using world = await keylessWorld();
  world.services.answer = ({ path }) =>
    path.endsWith("/entries") ? { status: 400, body: '{"code":400,"message":"bad"}' } : undefined;
  const token = world.services.token();
  const { exitCode, stderr } = await world.sign(withToken(token), world.image("team/app:v1"));
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /creating signature: Error uploading a log entry: Rekor \/api\/v1\/log\/entries failed: bad request \(400\), \{Code:400 Message:bad\}/,
  );
  assert.ok(!stderr.includes(token));
  assert.deepEqual(
    world.tags().filter((tag) => tag.endsWith(".sig")),
    [],
  );
  assert.deepEqual((await readdir(world.at("tmp"))).length, 0);
  assert.ok((await readFile(world.at("sign.yaml"), "utf8")).includes(token));
});
