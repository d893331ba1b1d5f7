import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "../../policy/gate.ts";
import { bundlesWanted } from "../../policy/overlay.ts";
import { maxPolicyBytes, parsePolicy } from "../../policy/parse.ts";
import { parseOverlay } from "../../policy/parse-overlay.ts";
import type { PolicySubject } from "../../policy/subject.ts";
import { createVerifiers } from "../../sigstore/create-verifiers.ts";
import { ConfigError } from "../../src/config/errors.ts";
import { parseDigest } from "../../src/core/digest.ts";
import { makeBundle, makeTrustedRoot, statementOf } from "../support/bundle.ts";
import {
  altNames,
  issuerV2,
  makeCa,
  makeCertificate,
  testKey,
  testTime,
} from "../support/certificates.ts";
import { payloadFor, signatureBy } from "../support/sigstore.ts";
import { contextOf, docker, manifestDigest, subjectOf } from "./world.ts";

const key = testKey();
const other = testKey();
const image = docker("registry.example.com/ns/one:v1");
const statement = statementOf(manifestDigest.slice(7));
const bundle = makeBundle({ statement, signer: key, log: false });
const stranger = makeBundle({ statement, signer: other, log: false });
const attachment = signatureBy(key, payloadFor(manifestDigest, "registry.example.com/ns/one:v1"));

const byDigest = { type: "sigstoreBundle", bundle: true, signedIdentity: { type: "matchDigest" } };
const byKey = { ...byDigest, keyPath: "/key" };
const files = {
  "/key": Buffer.from(key.pem),
  "/root": makeTrustedRoot({ authorities: [[makeCa()]] }),
};

const bytesOf = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const overlayOf = (list: unknown, scope = "registry.example.com/ns") => ({
  transports: { docker: { [scope]: list } },
});
const parse = (value: unknown) => parseOverlay(bytesOf(value), "x");

const accept = [{ type: "insecureAcceptAnything" }];
const reject = [{ type: "reject" }];
const signed = [{ type: "sigstoreSigned", keyPath: "/key" }];

async function verdict(
  policy: unknown,
  overlay: unknown,
  subject: Partial<PolicySubject>,
  requireSigned = false,
) {
  const context = contextOf(files, {
    verifiers: createVerifiers({ now: () => testTime }),
    overlay: parse(overlay),
    requireSigned,
  });
  const gate = createGate(parsePolicy(bytesOf({ default: policy }), "p"), context);
  return await gate.verdict({ ...subjectOf(image), ...subject });
}

const bundles = (...all: readonly Uint8Array[]) => ({ bundles: async () => all });

test("an overlay asks for a bundle where the policy asks for nothing of the kind", async () => {
  const overlay = overlayOf([byKey]);
  const good = await verdict(accept, overlay, bundles(stranger, bundle), true);
  assert.equal(good.allowed, true);
  for (const found of [bundles(), bundles(stranger), {}]) {
    assert.equal((await verdict(accept, overlay, found)).allowed, false);
  }
  const { error } = await verdict(accept, overlay, bundles());
  assert.equal(error, "A bundle was required, but no bundle exists");
});

test("a bundle stands in for the attachment that sigstoreSigned asks for, and needs it not", async () => {
  const overlay = overlayOf([byKey]);
  assert.equal((await verdict(signed, overlay, bundles(bundle))).allowed, true);
  const attached = { signatures: async () => [attachment] };
  assert.equal((await verdict(signed, overlay, attached)).allowed, true);
  const neither = await verdict(signed, overlay, bundles(stranger));
  assert.equal(neither.allowed, false);
  assert.equal(neither.error, "cryptographic signature verification failed"); // why the only candidate was none
  const nothing = await verdict(signed, overlay, bundles());
  assert.equal(nothing.error, "A signature was required, but no signature exists");
  assert.equal(
    (await verdict(signed, overlayOf([byKey], "elsewhere"), bundles(bundle))).allowed,
    false,
  );
});

test("a bundle stands in for an attachment that is refused, and else tells nothing", async () => {
  const overlay = overlayOf([byKey]);
  const name = "registry.example.com/ns/one:v1";
  const refused = {
    signatures: async () => [signatureBy(other, payloadFor(manifestDigest, name))],
  };
  const alone = await verdict(signed, overlayOf([byKey], "elsewhere"), refused);
  assert.deepEqual([alone.allowed, alone.code], [false, "requirement.none-accepted"]);
  assert.equal((await verdict(signed, overlay, { ...refused, ...bundles(bundle) })).allowed, true);
  for (const found of [bundles(), bundles(stranger, stranger)]) {
    const { allowed, code, error } = await verdict(signed, overlay, { ...refused, ...found });
    assert.deepEqual([allowed, code, error], [false, alone.code, alone.error]);
  }
  const unreadable = async () => {
    throw new ConfigError("config.unreadable", "connection refused");
  };
  const out = await verdict(signed, overlay, { ...refused, bundles: unreadable });
  assert.deepEqual([out.allowed, out.code], [false, "fetch.failed"]);
});

test("a bundle does not stand in for anything else", async () => {
  const overlay = overlayOf([byKey]);
  const simple = [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/key" }];
  for (const policy of [reject, [...accept, ...reject], [...signed, ...reject], simple]) {
    assert.equal((await verdict(policy, overlay, bundles(bundle))).allowed, false);
  }
});

test("each requirement of an overlay has to hold", async () => {
  const both = overlayOf([byKey, { ...byDigest, keyData: bytesOf(other.pem).toString("base64") }]);
  assert.equal((await verdict(accept, both, bundles(bundle, stranger))).allowed, true);
  assert.equal((await verdict(accept, both, bundles(bundle))).allowed, false);
});

test("certificates are accepted by identity from a trusted root", async () => {
  const ca = makeCa();
  const certificate = makeCertificate({
    issuer: ca,
    key,
    extensions: [altNames([{ uri: "https://ci.example.com/one" }]), issuerV2("https://issuer")],
  });
  const certified = makeBundle({ statement, signer: key, certificate });
  const trustedRootData = makeTrustedRoot({ authorities: [[ca]] }).toString("base64");
  const by = (identity: object) =>
    overlayOf([{ ...byDigest, trustedRootData, identities: [identity] }]);
  const right = { issuer: "https://issuer", subjectUri: "https://ci.example.com/one" };
  const pattern = { issuerPattern: "https://is+uer", subjectPattern: "https://ci\\..*" };
  for (const identity of [right, pattern]) {
    assert.equal((await verdict(accept, by(identity), bundles(certified))).allowed, true);
  }
  const wrong = { issuerPattern: "https://iss", subjectUri: "https://ci.example.com/one" };
  assert.equal((await verdict(accept, by(wrong), bundles(certified))).allowed, false);
});

test("keys that cannot be read, and bundles that cannot be, refuse", async () => {
  const absent = overlayOf([{ ...byDigest, keyPath: "/absent" }]);
  const { allowed, error } = await verdict(accept, absent, bundles(bundle));
  assert.deepEqual([allowed, error], [false, "open /absent: no such file or directory"]);
  const broken = {
    bundles: async () => {
      parse("{");
      return [];
    },
  };
  for (const policy of [accept, signed]) {
    const refused = await verdict(policy, overlayOf([byKey]), broken);
    assert.deepEqual([refused.allowed, refused.code], [false, "fetch.failed"]);
    const { kind, ok, message } = refused.steps.at(-1) ?? {};
    assert.deepEqual([kind, ok, message], ["fetch", false, refused.error]);
  }
});

test("what else is asked for beside sigstoreSigned asks for no bundle", async () => {
  const attached = { signatures: async () => [attachment] };
  const twice = await verdict([...signed, ...accept], overlayOf([byKey]), attached);
  assert.equal(twice.allowed, true);
});

test("bundles are not read where an attachment is accepted, nor instead of unreadable ones", async () => {
  const unread = { signatures: async () => [attachment], bundles: () => assert.fail("read") };
  assert.equal((await verdict(signed, overlayOf([byKey]), unread)).allowed, true);
  const unreadable = {
    signatures: async () => {
      throw new ConfigError("config.unreadable", "connection refused");
    },
    ...bundles(bundle),
  };
  const refused = await verdict(signed, overlayOf([byKey]), unreadable);
  assert.deepEqual([refused.allowed, refused.code], [false, "fetch.failed"]);
});

test("each step says what a bundle was good for", async () => {
  const stepsOf = async (policy: unknown, ...found: readonly Uint8Array[]) => {
    const { steps, error } = await verdict(policy, overlayOf([byKey]), bundles(...found));
    const texts = steps.map(({ kind, ok, code }) => `${kind} ${ok ? "ok" : "not"} ${code}`);
    return { texts: texts.slice(1), error, steps };
  };
  const good = await stepsOf(accept, stranger, bundle);
  assert.deepEqual(good.texts, [
    "requirement ok requirement.accept-anything",
    "requirement ok requirement.signed",
    "fetch ok fetch.done",
    "crypto not signature.bad",
    "crypto ok crypto.verified",
  ]);
  assert.deepEqual(good.steps[2]?.data, { index: 1, type: "sigstoreBundle" });
  assert.deepEqual(good.steps[3]?.data, { simpleSigning: 0, sigstore: 0, bundles: 2 });
  assert.match(good.steps[4]?.message ?? "", /./);
  assert.match(good.steps[5]?.message ?? "", /^bundle 2 is made by /);
  assert.match(good.steps[2]?.message ?? "", /^bundle signed by \S/);
  const one = await stepsOf(accept, stranger);
  assert.equal(one.error, one.steps.at(-1)?.message);
  const two = await stepsOf(accept, stranger, stranger);
  assert.equal(two.error, `None of the bundles were accepted, reasons: ${one.error}; ${one.error}`);
  assert.deepEqual(two.texts.at(1), "requirement not requirement.none-accepted");
  assert.deepEqual((await stepsOf(accept)).texts, [
    "requirement ok requirement.accept-anything",
    "requirement not requirement.not-signed",
    "fetch ok fetch.done",
  ]);
  assert.deepEqual((await stepsOf(signed, bundle)).texts, [
    "requirement ok requirement.signed",
    "fetch ok fetch.done",
    "fetch ok fetch.done",
    "crypto ok crypto.verified",
  ]);
});

test("what a bundle verifier says of another manifest refuses", async () => {
  const zeros = parseDigest(`sha256:${"0".repeat(64)}`);
  const careless = { verify: async () => ({ claim: { manifestDigest: zeros }, signedBy: "a" }) };
  const verifiers = { ...createVerifiers({ now: () => testTime }), bundles: async () => careless };
  const context = contextOf(files, { verifiers, overlay: parse(overlayOf([byKey])) });
  const gate = createGate(parsePolicy(bytesOf({ default: accept }), "p"), context);
  const refused = await gate.verdict({ ...subjectOf(image), ...bundles(bundle) });
  assert.deepEqual([refused.allowed, refused.code], [false, "requirement.none-accepted"]);
  assert.equal(refused.steps.at(-1)?.code, "signature.bad-payload");
});

test("what nobody foresaw goes through, and nothing is allowed", async () => {
  const surprise = new TypeError("surprise");
  const throwing = async () => {
    throw surprise;
  };
  await assert.rejects(verdict(accept, overlayOf([byKey]), { bundles: throwing }), surprise);
  const verifiers = {
    ...createVerifiers({ now: () => testTime }),
    bundles: async () => ({ verify: throwing }),
  };
  const context = contextOf(files, { verifiers, overlay: parse(overlayOf([byKey])) });
  const gate = createGate(parsePolicy(bytesOf({ default: accept }), "p"), context);
  await assert.rejects(gate.verdict({ ...subjectOf(image), ...bundles(bundle) }), surprise);
});

test("the nearest scope of an overlay counts", () => {
  const overlay = parse({
    transports: { docker: { "": [byKey], "registry.example.com/ns/one": [byKey, byKey] } },
  });
  assert.equal(bundlesWanted(overlay, image)?.length, 2);
  assert.equal(bundlesWanted(overlay, docker("registry.example.com/ns/two:v1"))?.length, 1);
  assert.equal(bundlesWanted(parse(overlayOf([byKey], "elsewhere")), image), undefined);
  assert.equal(bundlesWanted(parse({ transports: {} }), image), undefined);
  assert.equal(bundlesWanted(overlay, { ...image, transport: "oci" }), undefined);
});

test("parseOverlay() reads each way to give keys, identities and a trusted root", () => {
  const keyDatas = [bytesOf("a"), bytesOf("b")];
  const pathsOf = (...paths: readonly string[]) => ({ paths });
  const type = "sigstoreBundle";
  const read = (requirement: object) =>
    parse(overlayOf([requirement], ""))
      .transports.get("docker")
      ?.get("");
  const keys = (source: object) => [{ type, signers: { type: "keys", keys: source } }];
  assert.deepEqual(read(byKey), keys(pathsOf("/key")));
  assert.deepEqual(read({ ...byDigest, keyPaths: ["/a", "/b"] }), keys(pathsOf("/a", "/b")));
  assert.deepEqual(
    read({ ...byDigest, keyDatas: keyDatas.map((each) => each.toString("base64")) }),
    keys({ data: keyDatas.map((each) => new Uint8Array(each)) }),
  );
  const identities = [
    { issuer: "i", subjectEmail: "e" },
    { issuerPattern: "i.*", subjectUri: "u" },
    { issuer: "i", subjectPattern: "s.*" },
  ];
  assert.deepEqual(read({ ...byDigest, trustedRootPath: "/root", identities }), [
    {
      type,
      signers: {
        type: "certificates",
        identities: [
          { issuer: { is: "i" }, subject: { email: "e" } },
          { issuer: { pattern: "i.*" }, subject: { uri: "u" } },
          { issuer: { is: "i" }, subject: { pattern: "s.*" } },
        ],
      },
      trustedRoot: { paths: ["/root"] },
    },
  ]);
});

test("parseOverlay() says where it is wrong, and reads no more than a policy's ten megabytes", () => {
  const wrong = overlayOf([byKey, { ...byDigest, identities: [{ issuer: "i" }] }], "h");
  assert.throws(() => parse(wrong), {
    path: ["transports", "docker", "h", 1, "identities", 0],
    message: /exactly one of subjectEmail, subjectUri, subjectPattern/,
  });
  const full = Buffer.alloc(maxPolicyBytes, " ");
  bytesOf(overlayOf([byKey])).copy(full);
  assert.equal(parseOverlay(full, "x").transports.size, 1);
  const overfull = Buffer.alloc(maxPolicyBytes + 1, full);
  assert.throws(() => parseOverlay(overfull, "x"), { message: /the file is too large$/ });
});

test("an overlay is read as strictly as a policy", () => {
  const identity = { issuer: "i", subjectEmail: "e" };
  const certified = { ...byDigest, trustedRootPath: "/root", identities: [identity] };
  parse(overlayOf([certified]));
  const wrong: readonly unknown[] = [
    "",
    "[]",
    "{}",
    { transports: { oci: {} } },
    { transports: {}, default: [] },
    '{"transports":{},"transports":{}}',
    overlayOf([]),
    overlayOf(null),
    overlayOf([{ type: "sigstoreSigned", keyPath: "/key" }]),
    overlayOf([{ ...byDigest }]),
    overlayOf([{ ...byKey, type: "sigstoreSigned" }]),
    overlayOf([{ ...byKey, type: undefined }]),
    overlayOf([{ ...certified, identities: {} }]),
    overlayOf([{ ...byKey, bundle: undefined }]),
    overlayOf([{ ...byKey, bundle: "true" }]),
    overlayOf([{ ...byKey, signedIdentity: undefined }]),
    overlayOf([{ ...byKey, signedIdentity: { type: "matchExact" } }]),
    overlayOf([{ ...byKey, more: 1 }]),
    overlayOf([{ ...byKey, keyData: "AAAA" }]),
    overlayOf([{ ...byKey, identities: [identity] }]),
    overlayOf([{ ...byDigest, keyPaths: [] }]),
    overlayOf([{ ...certified, trustedRootPath: undefined }]),
    overlayOf([{ ...certified, trustedRootData: "AAAA" }]),
    overlayOf([{ ...certified, identities: [] }]),
    overlayOf([{ ...certified, identities: [{ issuer: "i" }] }]),
    overlayOf([{ ...certified, identities: [{ ...identity, issuerPattern: "i" }] }]),
    overlayOf([{ ...certified, identities: [{ ...identity, subjectUri: "u" }] }]),
    overlayOf([{ ...certified, identities: [{ issuer: "i", subjectPattern: "(" }] }]),
    overlayOf([{ ...certified, identities: [{ issuer: "", subjectEmail: "e" }] }]),
  ];
  for (const overlay of wrong) {
    assert.throws(() => parse(overlay), { code: "policy.invalid" }, JSON.stringify(overlay));
  }
});
