import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import type { Claim, UntrustedSignature } from "../../sigstore/signature.ts";
import type { Signer } from "../../sigstore/signer.ts";
import type { Signing } from "../../src/copy/sign.ts";
import { parseDockerReference } from "../../src/core/docker-reference.ts";
import { Engine } from "../support/engine.ts";
import { makeImage, makeMultiArch } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

/** Signs for real, in a form of its own: the claim as JSON, the signature in an annotation. */
class TestSigner implements Signer {
  readonly format = "sigstore";
  readonly keyId: string;
  readonly #keys = generateKeyPairSync("ed25519");

  constructor(keyId: string) {
    this.keyId = keyId;
  }

  async sign(claim: Claim): Promise<UntrustedSignature> {
    const payload = payloadOf(claim);
    return {
      format: "sigstore",
      mediaType: "application/x-test",
      payload,
      annotations: { signature: sign(null, payload, this.#keys.privateKey).toString("base64") },
    };
  }

  async hasMade(signature: UntrustedSignature, claim: Claim): Promise<boolean> {
    return isBy(this.#keys.publicKey, signature) && payloadOf(claim).equals(payloadIn(signature));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function payloadOf({ manifestDigest, dockerReference }: Claim): Buffer {
  return Buffer.from(JSON.stringify({ manifestDigest, dockerReference }));
}

function payloadIn(signature: UntrustedSignature): Buffer {
  return signature.format === "sigstore" ? Buffer.from(signature.payload) : Buffer.alloc(0);
}

function isBy(key: KeyObject, signature: UntrustedSignature): boolean {
  if (signature.format !== "sigstore") return false;
  const bytes = Buffer.from(signature.annotations["signature"] ?? "", "base64");
  return verify(null, signature.payload, key, bytes);
}

function signing(signers: readonly Signer[], identity?: string): Signing {
  return { signers, ...(identity && { identity: parseDockerReference(identity) }) };
}

async function world() {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry());
  const folder = stack.use(await tempFolder());
  const engine = stack.use(new Engine());
  const single = registry.seed("team/app", "v1", makeImage({ seed: 1 }));
  const list = registry.seed("team/list", "v1", makeMultiArch({ seed: 2 }));
  return {
    engine,
    single,
    list,
    host: registry.host,
    dir: (name: string) => `dir:${folder.in(name)}`,
    signatures: async (name: string) =>
      (await readdir(folder.in(name))).filter((file) => file.includes("signature-")).sort(),
    claim: async (name: string, file: string) => {
      const text = (await readFile(folder.in(name, file))).toString();
      const { payload } = JSON.parse(text.slice(text.indexOf("\n")));
      return JSON.parse(Buffer.from(payload, "base64").toString());
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("a copy is signed as it is written, once by each signer", async () => {
  await using it = await world();
  const from = `docker://${it.host}/team/app:v1`;
  const signers = [new TestSigner("one"), new TestSigner("two")];
  await it.engine.copy(from, it.dir("a"), { signing: signing(signers, "b.test/app:v2") });
  assert.deepEqual(await it.signatures("a"), ["signature-1", "signature-2"]);
  const claim = { manifestDigest: it.single, dockerReference: "b.test/app:v2" };
  assert.deepEqual(await it.claim("a", "signature-1"), claim);
  assert.deepEqual(
    it.engine.events.flatMap((event) => (event.type === "signed" ? [event.keyId] : [])),
    ["one", "two"],
  );
});

test("signatures carried along stay, and a signer adds none to its own", async () => {
  await using it = await world();
  const from = `docker://${it.host}/team/app:v1`;
  const first = new TestSigner("first");
  await it.engine.copy(from, it.dir("a"), { signing: signing([first], "b.test/app:v1") });
  await it.engine.copy(it.dir("a"), it.dir("b"), { signing: signing([first], "b.test/app:v1") });
  assert.deepEqual(await it.signatures("b"), ["signature-1"]);
  await it.engine.copy(it.dir("b"), it.dir("c"), { signing: signing([first], "b.test/app:v2") });
  assert.deepEqual(await it.signatures("c"), ["signature-1", "signature-2"]);
  assert.equal((await it.claim("c", "signature-2")).dockerReference, "b.test/app:v2");
  await it.engine.copy(it.dir("c"), it.dir("d"), {
    removeSignatures: true,
    signing: signing([new TestSigner("other")], "b.test/app:v1"),
  });
  assert.deepEqual(await it.signatures("d"), ["signature-1"]);
});

test("of a list every instance is signed, and the list, all under one name", async () => {
  await using it = await world();
  const signers = [new TestSigner("one")];
  await it.engine.copy(`docker://${it.host}/team/list:v1`, it.dir("a"), {
    select: { type: "all" },
    signing: signing(signers, "b.test/list:v1"),
  });
  const files = await it.signatures("a");
  const instances = files.filter((file) => /^[0-9a-f]{64}\.signature-1$/.test(file));
  assert.ok(instances.length > 1);
  assert.deepEqual([...instances, "signature-1"].sort(), files);
  for (const file of files) {
    const { manifestDigest, dockerReference } = await it.claim("a", file);
    assert.equal(dockerReference, "b.test/list:v1");
    const own = file === "signature-1" ? it.list : `sha256:${file.slice(0, 64)}`;
    assert.equal(manifestDigest, own);
  }
});

test("what cannot be signed or kept is refused before a byte moves", async () => {
  await using it = await world();
  const signers = [new TestSigner("one")];
  const from = `docker://${it.host}/team/app:v1`;
  const rows: readonly [to: string, identity: string | undefined, message: RegExp][] = [
    [it.dir("x"), undefined, /^Cannot determine canonical Docker reference for destination dir:/],
    [it.dir("x"), "b.test/app", /^Sign identity must be a fully specified reference b\.test\/app$/],
    [
      it.dir("x").replace("dir:", "oci:"),
      "b.test/app:v1",
      /^writing signatures: Pushing signatures for OCI images is not supported$/,
    ],
  ];
  for (const [to, identity, message] of rows) {
    const copy = it.engine.copy(from, to, { signing: signing(signers, identity) });
    await assert.rejects(copy, { message });
  }
  const moved = it.engine.events.filter(({ type }) => type.startsWith("blob"));
  assert.deepEqual(moved, []);
});
