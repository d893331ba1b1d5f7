import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { bundleMediaType } from "../../../sigstore/cosign/bundle-format.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { makeBundle, makeTrustedRoot, statementOf } from "../../support/bundle.ts";
import {
  altNames,
  issuerV2,
  makeCa,
  makeCertificate,
  testKey,
} from "../../support/certificates.ts";
import { writeImageFolder } from "../../support/image-folder.ts";
import { makeImage, type TestImage } from "../../support/images.ts";
import { skipWithout } from "../../support/peers.ts";
import { type Podman, skipUnprivileged, startPodman } from "../../support/podman.ts";
import {
  assertNotPassedBy,
  type MoreSettings,
  readSetup,
  type ServeWorld,
  serveWorld,
} from "./world.ts";

const skip = skipWithout("docker-registry", "gpg", "podman") || skipUnprivileged();

const workflow = "https://github.com/team/app/.github/workflows/release.yml@refs/heads/main";
const issuer = "https://token.actions.githubusercontent.com";
const authority = makeCa();
let stack: AsyncDisposableStack;
let world: ServeWorld;
let podman: Podman;

before(async () => {
  if (skip) return;
  stack = new AsyncDisposableStack();
  world = stack.use(await serveWorld(bridgeSettings));
  podman = stack.use(await startPodman());
  const conf = "etc/containers/registries.conf.d/900-amphora.conf";
  await podman.configure("registries.conf", await readSetup(await world.setUp("podman"), conf));
});

after(() => stack?.disposeAsync());

/** What the workflow has signed is let out, and signed again by the server's key. */
async function bridgeSettings({ upstream, home, signing }: Parameters<MoreSettings>[0]) {
  const requirement = {
    type: "sigstoreBundle",
    bundle: true,
    signedIdentity: { type: "matchDigest" },
    identities: [{ issuer, subjectUri: workflow }],
    trustedRootData: makeTrustedRoot({ authorities: [[authority]] }).toString("base64"),
  };
  const scope = `${upstream}/built`;
  const docker = { [scope]: [{ type: "insecureAcceptAnything" }] };
  await writeFile(
    home.folder.in("bridge.json"),
    JSON.stringify({ default: [{ type: "reject" }], transports: { docker } }),
  );
  await writeFile(
    home.folder.in("bridge-x.json"),
    JSON.stringify({ transports: { docker: { [scope]: [requirement] } } }),
  );
  const policy = home.folder.in("bridge.json");
  return {
    admission: { policy, overlay: home.folder.in("bridge-x.json") },
    signing: { ...signing, rules: [], bridge: [{ repositories: [`${scope}/**`], keys: ["own"] }] },
  };
}

/** Puts an image into the upstream, with a bundle beside it as cosign 3 does where there is no API for referrers. */
async function publish(name: string, image: TestImage, subject: string): Promise<string> {
  const folder = world.home.folder.in(name);
  await writeImageFolder(folder, image);
  const place = `docker://${world.upstream.host}/built/${name}`;
  await world.amphora("copy", "--dest-tls-verify=false", `dir:${folder}`, `${place}:1`);
  const key = testKey();
  const certificate = makeCertificate({
    issuer: authority,
    key,
    extensions: [altNames([{ uri: subject }]), issuerV2(issuer)],
  });
  const statement = statementOf(image.digest.slice(7));
  await attach(name, image, makeBundle({ statement, signer: key, certificate }));
  return `${world.upstream.host}/built/${name}:1`;
}

async function attach(name: string, image: TestImage, bundle: Buffer): Promise<void> {
  const empty = Buffer.from("{}");
  const part = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      artifactType: bundleMediaType,
      config: part(mediaTypes.ociEmpty, empty),
      layers: [part(bundleMediaType, bundle)],
      subject: image.descriptor,
    }),
  );
  const entry = { ...part(mediaTypes.ociManifest, manifest), artifactType: bundleMediaType };
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] };
  for (const bytes of [empty, bundle]) await putBlob(name, bytes);
  await put(name, entry.digest, mediaTypes.ociManifest, manifest);
  const tag = image.digest.replace(":", "-");
  await put(name, tag, mediaTypes.ociIndex, Buffer.from(JSON.stringify(index)));
}

const agent = { "User-Agent": "amphora/test" };

async function putBlob(name: string, bytes: Buffer): Promise<void> {
  const base = `${world.upstream.origin}/v2/built/${name}/blobs/uploads/`;
  const begun = await fetch(base, { method: "POST", headers: agent });
  const place = new URL(begun.headers.get("location") ?? "", base);
  place.searchParams.set("digest", digestOf(bytes));
  const ended = await fetch(place, { method: "PUT", headers: agent, body: new Uint8Array(bytes) });
  assert.equal(ended.status, 201);
}

async function put(name: string, reference: string, type: string, bytes: Buffer): Promise<void> {
  const answer = await fetch(`${world.upstream.origin}/v2/built/${name}/manifests/${reference}`, {
    method: "PUT",
    headers: { ...agent, "Content-Type": type },
    body: new Uint8Array(bytes),
  });
  assert.equal(answer.status, 201, await answer.text());
}

test("what a workflow signed by a bundle, podman takes under signedBy by the bridge's key", {
  skip,
}, async () => {
  const image = await publish("good", makeImage({ seed: 5, type: "oci" }), workflow);
  const pulled = await podman.pull(world.clientPolicy, image);
  assert.equal(pulled.exitCode, 0, pulled.stderr);
  await assertNotPassedBy(world);
});

test("what another workflow signed is refused, and not signed again", { skip }, async () => {
  const other = workflow.replace("release.yml", "pull-request.yml");
  const made = makeImage({ seed: 6, type: "oci" });
  const image = await publish("bad", made, other);
  const pulled = await podman.pull(world.clientPolicy, image);
  assert.notEqual(pulled.exitCode, 0);
  assert.match(pulled.stderr, /denied: policy: No identity is accepted/);
  const kept = `${world.server.url}/extensions/v2/up/built/bad/signatures/${made.digest}`;
  const { signatures } = JSON.parse(await (await fetch(kept)).text());
  assert.deepEqual(signatures, []);
  await assertNotPassedBy(world);
});
