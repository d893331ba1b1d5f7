import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { request as openRequest } from "node:http";
import { after, before, test } from "node:test";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import { parsePayload } from "../../../sigstore/payload.ts";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { verifyAuditLog } from "../../../src/server/audit/verify-audit-log.ts";
import { SigningError } from "../../../src/server/signing/errors.ts";
import { decodeSignature, encodeSignature } from "../../../src/server/signing/messages.ts";
import { asAnswer } from "../../../src/server/signing/push-signing.ts";
import { createSignerClient } from "../../../src/server/signing/signer-client.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import {
  type SignerKeys,
  signerKeys,
  startTestSigner,
  type TestSigner,
} from "../../support/server/signer.ts";

// This test is the endpoint, wholly: it may say to the signer whatever it likes.

let keys: SignerKeys;
let signer: TestSigner;

const signal = AbortSignal.timeout(240_000);

before(async () => {
  keys = await signerKeys();
  const { folder } = keys;
  await writeFile(
    folder.in("policy.json"),
    JSON.stringify({
      default: [{ type: "insecureAcceptAnything" }],
      transports: {
        docker: {
          "r.test/verified": [
            { type: "signedBy", keyType: "GPGKeys", keyPath: folder.in("vendor.pub") },
          ],
        },
      },
    }),
  );
  await writeFile(folder.in("htpasswd"), `ci:${await hashOf("secret")}\n`);
  signer = await startTestSigner({
    access: { htpasswd: folder.in("htpasswd") },
    signing: {
      policy: folder.in("policy.json"),
      keys: {
        release: { type: "key-file", file: keys.keys.release.file },
        other: { type: "key-file", file: keys.keys.vendor.file },
      },
      rules: [
        { repositories: ["r.test/team/**"], users: ["ci"], keys: ["release"] },
        { repositories: ["r.test/strict/**"], users: ["ci"], proof: "password", keys: ["release"] },
        {
          repositories: ["r.test/verified", "r.test/unguarded"],
          require: "verified",
          keys: ["release"],
        },
        { repositories: ["r.test/moved"], keys: ["release"], identity: "public.test/{path}" },
      ],
      bridge: [{ repositories: ["r.test/verified", "r.test/unguarded"], keys: ["release"] }],
    },
  });
});

after(async () => {
  await signer?.[Symbol.asyncDispose]();
  await keys?.[Symbol.asyncDispose]();
});

async function hashOf(password: string): Promise<string> {
  const { hash } = await import("bcryptjs");
  return await hash(password, 4);
}

const image = (mark: string) =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: digestOf(Buffer.from(mark)),
        size: 1,
      },
      layers: [],
    }),
  );

function ask(path: string, more: object = {}, manifest: Uint8Array = image("a")) {
  const request = {
    version: 1 as const,
    why: "push" as const,
    domain: "r.test",
    path,
    tags: ["1"],
    manifests: [Buffer.from(manifest).toString("base64")],
    user: "ci",
    signatures: [],
    bundles: [],
    ...more,
  };
  return createSignerClient(signer.socket).sign(request, signal);
}

const isRefused = (pattern: RegExp) => (error: unknown) =>
  error instanceof SigningError && error.code === "signing.refused" && pattern.test(error.message);

/** What a signature by a key claims, verified. */
async function claimOf(signature: Parameters<typeof decodeSignature>[0], key: Uint8Array) {
  const verifiers = createVerifiers({ now: () => new Date() });
  const verifier = await verifiers.simpleSigning([key]);
  const verified = await verifier.verify(decodeSignature(signature));
  return verified;
}

test("a push that a rule speaks of is signed under its name, by its key", async () => {
  const { signatures } = await ask("team/app", { tags: ["1", "latest"] });
  assert.equal(signatures.length, 2);
  const said = await Promise.all(
    signatures.map(({ signature }) => claimOf(signature, keys.keys.release.public)),
  );
  assert.deepEqual(
    said.map(({ claim }) => [claim.dockerReference, claim.manifestDigest]),
    ["1", "latest"].map((tag) => [`r.test/team/app:${tag}`, digestOf(image("a"))]),
  );
  await assert.rejects(async () =>
    claimOf(signatures[0]?.signature as never, keys.keys.vendor.public),
  );
});

test("what is signed already is not signed again", async () => {
  const { signatures } = await ask("team/app");
  const [first] = signatures;
  assert.ok(first);
  const again = await ask("team/app", {
    signatures: [{ manifest: first.manifest, signature: first.signature }],
  });
  assert.deepEqual(again.signatures, []);
  const elsewhere = await ask("team/other", {
    signatures: [{ manifest: first.manifest, signature: first.signature }],
  });
  assert.equal(elsewhere.signatures.length, 1);
});

test("an index that was pushed by very many tags is signed for one more", async () => {
  const { signatures } = await ask("team/app");
  const [{ manifest, signature } = assert.fail()] = signatures;
  const many = Array.from({ length: 1500 }, () => ({ manifest, signature }));
  const again = await ask("team/app", { tags: ["2"], signatures: many });
  assert.equal(again.signatures.length, 1);
});

test("whose signatures have no room any more is told so, and not to try again", () => {
  const full = asAnswer(new SignatureError("signature.store-limit", "no room"));
  assert.ok(full instanceof RegistryAnswerError);
  assert.deepEqual([full.status, full.message], [413, "no room"]);
});

const descriptor = (bytes: Uint8Array, mediaType: string = mediaTypes.ociManifest) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

const indexOf = (...manifests: readonly object[]) =>
  Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }));

test("an index is signed with all its instances, inner indexes' too", async () => {
  const inner = indexOf(descriptor(image("b")));
  const top = indexOf(descriptor(image("a")), descriptor(inner, mediaTypes.ociIndex));
  const manifests = [top, inner].map((bytes) => bytes.toString("base64"));
  const { signatures } = await ask("team/app", { manifests });
  assert.deepEqual(
    signatures.map(({ manifest }) => manifest).toSorted(),
    [top, inner, image("a"), image("b")].map((bytes): string => digestOf(bytes)).toSorted(),
  );
  const lacking = { manifests: [top.toString("base64")] };
  await assert.rejects(ask("team/app", lacking), { code: "signing.bad-request" });
});

for (const [what, path, more, pattern] of [
  ["a repository of no rule", "other/app", {}, /no rule/],
  ["another user", "team/app", { user: "eve" }, /no rule/],
  ["nobody", "team/app", { user: undefined }, /no rule/],
  ["a domain that looks like it", "team/app", { domain: "r.test.evil" }, /no rule/],
  ["a path that climbs", "team/../other", {}, /no rule|no reference|none that can be signed/],
  ["a path in another case", "team/App", {}, /none that can be signed/],
  ["a tag that is more than one", "team/app", { tags: ["1@sha256:00"] }, /none that can be signed/],
  ["a password that was not given", "strict/app", {}, /password/],
  ["a wrong password", "strict/app", { authorization: basic("ci", "guess") }, /password/],
  [
    "another's password",
    "strict/app",
    { user: "ci", authorization: basic("eve", "secret") },
    /password/,
  ],
  ["what no signature vouches for", "verified", {}, /does not admit/],
  ["what the policy lets in unsigned", "unguarded", {}, /does not admit/],
  ["a bridge from what nobody signed", "verified", { why: "bridge" }, /does not admit/],
  ["a bridge where none leads", "team/app", { why: "bridge" }, /no bridge/],
] as const) {
  test(`the signer refuses ${what}`, async () => {
    await assert.rejects(ask(path, more), isRefused(pattern));
  });
}

test("a rule that wants the password signs with it", async () => {
  const { signatures } = await ask("strict/app", { authorization: basic("ci", "secret") });
  assert.equal(signatures.length, 1);
});

test("a rule may sign under another name, and under no other", async () => {
  const { signatures } = await ask("moved");
  const [one] = signatures;
  assert.ok(one);
  const { claim } = await claimOf(one.signature, keys.keys.release.public);
  assert.equal(claim.dockerReference, "public.test/moved:1");
});

/** A signature of a manifest by the vendor, whom the policy trusts. */
function byVendor(manifest: Uint8Array) {
  const digest: Digest = digestOf(manifest);
  const payload = JSON.stringify({
    critical: {
      type: "atomic container signature",
      image: { "docker-manifest-digest": digest },
      identity: { "docker-reference": "r.test/verified:1" },
    },
    optional: {},
  });
  const bytes = keys.gpg.output(
    ["--local-user", keys.keys.vendor.id, "--compress-algo", "none", "--sign"],
    { input: Buffer.from(payload) },
  );
  return { manifest: digest, signature: encodeSignature({ format: "simple-signing", bytes }) };
}

test("of an index every image has to be vouched for, as whoever pulls it asks", async () => {
  const inner = indexOf(descriptor(image("b")));
  const attestation = {
    ...descriptor(image("attested")),
    platform: { os: "unknown", architecture: "unknown" },
    annotations: { "vnd.docker.reference.type": "attestation-manifest" },
  };
  const parts = [descriptor(image("a")), descriptor(inner, mediaTypes.ociIndex)];
  const top = indexOf(...parts, attestation);
  const manifests = [top, inner].map((bytes) => bytes.toString("base64"));
  const both = [byVendor(image("a")), byVendor(image("b"))];
  for (const why of ["push", "bridge"]) {
    const asked = { why, manifests };
    const { signatures } = await ask("verified", { ...asked, signatures: both });
    assert.deepEqual(
      signatures.map(({ manifest }) => manifest).toSorted(),
      [top, inner, image("a"), image("b")].map((bytes): string => digestOf(bytes)).toSorted(),
    );
    const signed = [...both, byVendor(image("attested"))];
    assert.equal((await ask("verified", { ...asked, signatures: signed })).signatures.length, 5);
    for (const few of [
      [byVendor(top), byVendor(inner)],
      [byVendor(top), ...both.slice(1)],
    ])
      await assert.rejects(
        ask("verified", { ...asked, signatures: few }),
        isRefused(/does not admit/),
      );
    const bare = { why, signatures: [byVendor(indexOf(attestation))] };
    await assert.rejects(ask("verified", bare, indexOf(attestation)), isRefused(/does not admit/));
  }
});

test("what a trusted signature vouches for is signed again, saying whose it was", async () => {
  const vouched = byVendor(image("a"));
  const proof = { signatures: [vouched] };
  const { signatures } = await ask("verified", { why: "bridge", ...proof });
  const [made] = signatures;
  assert.ok(made);
  const { content } = await openedBy(made.signature, keys.keys.release.public);
  assert.match(content, /"amphora-origin":"[^"]*"/);
  assert.equal(
    parsePayload(Buffer.from(content), "simple-signing").dockerReference,
    "r.test/verified:1",
  );
  assert.equal((await ask("verified", proof)).signatures.length, 1);
  // The same signature about another manifest is worth nothing.
  await assert.rejects(ask("verified", proof, image("b")), isRefused(/does not admit/));
  const moved = { signatures: [{ ...vouched, manifest: digestOf(image("b")) }] };
  await assert.rejects(ask("verified", moved, image("b")), isRefused(/does not admit/));
  await assert.rejects(ask("verified", { ...proof, tags: ["2"] }), isRefused(/does not admit/));
});

async function openedBy(signature: Parameters<typeof decodeSignature>[0], key: Uint8Array) {
  const message = decodeSignature(signature);
  assert.equal(message.format, "simple-signing");
  await claimOf(signature, key);
  const content = keys.gpg.output(["--decrypt"], {
    input: message.format === "simple-signing" ? message.bytes : new Uint8Array(),
  });
  return { content: Buffer.from(content).toString("utf8") };
}

for (const [what, body] of [
  ["no JSON", "{"],
  ["unknown members", JSON.stringify({ version: 1, more: true })],
  ["another version", JSON.stringify({ version: 2 })],
  [
    "a manifest that is none",
    JSON.stringify({
      version: 1,
      why: "push",
      domain: "r.test",
      path: "team/app",
      tags: ["1"],
      manifests: [Buffer.from("[]").toString("base64")],
      user: "ci",
    }),
  ],
  [
    "a member twice",
    JSON.stringify({
      version: 1,
      why: "push",
      domain: "r.test",
      path: "team/app",
      tags: ["1"],
      manifests: [
        Buffer.from('{"schemaVersion":2,"config":{},"config":{},"layers":[]}').toString("base64"),
      ],
      user: "ci",
    }),
  ],
] as const) {
  test(`the signer answers 400 to ${what}`, async () => {
    assert.equal(await post(body), 400);
  });
}

test("all that was signed is in the signer's own chained log", async () => {
  await ask("team/logged");
  const lines = readFileSync(signer.log, "utf8").trimEnd().split("\n");
  assert.ok(
    lines.some(
      (line) => line.includes("r.test/team/logged:1") && line.includes(keys.keys.release.id),
    ),
  );
  assert.deepEqual((await verifyAuditLog([signer.log])).problems, []);
  assert.doesNotMatch(lines.join(), /secret/);
});

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function post(body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = openRequest(
      { socketPath: signer.socket, path: "/sign", method: "POST", agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
