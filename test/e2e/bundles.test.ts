import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bundleMediaType } from "../../sigstore/cosign/bundle-format.ts";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { makeBundle, makeTrustedRoot, statementOf } from "../support/bundle.ts";
import { altNames, issuerV2, makeCa, makeCertificate, testKey } from "../support/certificates.ts";
import { makeImage } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

type Registry = Awaited<ReturnType<typeof startRegistry>>;

const key = testKey();
const authority = makeCa();
const identity = { issuer: "https://issuer.example.com", subjectEmail: "ann@example.com" };
let registry: Registry;

before(async () => {
  registry = await startRegistry();
  const signer = makeCertificate({
    issuer: authority,
    key,
    extensions: [altNames([{ email: identity.subjectEmail }]), issuerV2(identity.issuer)],
  });
  for (const name of ["by-key", "by-certificate", "by-nobody"]) {
    const digest = registry.seed(`ns/${name}`, "v1", makeImage({ seed: 3, layerBytes: 100 }));
    if (name === "by-nobody") continue;
    const statement = statementOf(digest.slice(7));
    const bundle =
      name === "by-key"
        ? makeBundle({ statement, signer: key, log: false })
        : makeBundle({ statement, signer: key, certificate: signer });
    registry.seed(`ns/${name}`, undefined, artifactOf(bundle, digest));
  }
});

after(() => registry[Symbol.asyncDispose]());

function artifactOf(bundle: Buffer, subject: string) {
  const empty = Buffer.from("{}");
  const descriptor = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: bundleMediaType,
    config: descriptor(mediaTypes.ociEmpty, empty),
    layers: [descriptor(bundleMediaType, bundle)],
    subject: { mediaType: mediaTypes.ociManifest, digest: subject, size: 1 },
  };
  return {
    blobs: new Map<string, Uint8Array>([
      [digestOf(empty), empty],
      [digestOf(bundle), bundle],
    ]),
    manifests: [
      { mediaType: mediaTypes.ociManifest, bytes: Buffer.from(JSON.stringify(manifest)) },
    ],
  };
}

async function homeWith(trust: object): Promise<CliHome> {
  const home = await cliHome();
  const requirement = {
    type: "sigstoreBundle",
    bundle: true,
    signedIdentity: { type: "matchDigest" },
    ...trust,
  };
  const overlay = { transports: { docker: { [registry.host]: [requirement] } } };
  await home.write(".config/containers/x-policy.json", JSON.stringify(overlay));
  return home;
}

const byKey = { keyData: Buffer.from(key.pem).toString("base64") };
const byCertificate = {
  identities: [identity],
  trustedRootData: makeTrustedRoot({ authorities: [[authority]] }).toString("base64"),
};

function verify(home: CliHome, name: string, ...flags: readonly string[]) {
  const image = `docker://${registry.host}/ns/${name}:v1`;
  return home.run([...flags, "verify", "--tls-verify=false", image]);
}

test("x-policy.json beside the policy asks for bundles", async () => {
  for (const [trust, name, others] of [
    [byKey, "by-key", ["by-certificate", "by-nobody"]],
    [byCertificate, "by-certificate", ["by-key", "by-nobody"]],
  ] as const) {
    await using home = await homeWith(trust);
    const good = await verify(home, name);
    assert.equal(good.exitCode, 0, good.stderr);
    for (const other of others) {
      const bad = await verify(home, other);
      assert.equal(bad.exitCode, 1);
      assert.match(bad.stderr, /rejected/);
    }
  }
});

test("x-policy.json beside a policy that is named is not looked at", async () => {
  await using home = await homeWith(byKey);
  const named = home.folder.in("home", ".config/containers/policy.json");
  assert.equal((await verify(home, "by-nobody")).exitCode, 1);
  assert.equal((await verify(home, "by-nobody", "--policy", named)).exitCode, 0);
});

test("x-policy.json that cannot be read stops everything", async () => {
  await using home = await cliHome();
  await home.write(".config/containers/x-policy.json", "{");
  const { exitCode, stderr } = await verify(home, "by-nobody");
  assert.equal(exitCode, 1);
  assert.match(stderr, /x-policy\.json/);
});
