import assert from "node:assert/strict";
import { test } from "node:test";
import { adviceFor } from "../../policy/advice.ts";
import { explainVerdict } from "../../policy/explain.ts";
import type { SignedIdentity } from "../../policy/policy.ts";
import type { Step, Verdict } from "../../policy/verdict.ts";
import type { SignatureDescription } from "../../sigstore/verifiers.ts";
import { createToyKey, toySignature } from "./toy-signatures.ts";
import { contextOf, docker, gateOf, manifestDigest, referenceOf, subjectOf } from "./world.ts";

const [alice, bob] = [createToyKey("alice"), createToyKey("bob")];
const image = docker("h.example/ns/one:v1");
const good = { digest: manifestDigest, reference: "h.example/ns/one:v1" };
const signedBy = (path: string, more: object = {}) => ({
  type: "signedBy",
  keyType: "GPGKeys",
  keyPath: path,
  ...more,
});

/** What to do when these are all the signatures of `image`. */
async function advised(
  requirements: readonly object[],
  signatures: readonly ReturnType<typeof toySignature>[],
  reference = image,
): Promise<string> {
  const files = { "/alice": alice.file, "/bob": bob.file };
  const gate = gateOf({ default: requirements }, contextOf(files));
  const verdict = await gate.verdict(subjectOf(reference, signatures));
  assert.equal(verdict.allowed, false);
  return adviceFor(verdict);
}

test("the advice is about the signature that came closest, wherever it stands", async () => {
  const byDistance = [
    toySignature(bob, good),
    toySignature(alice, "{"),
    toySignature(alice, { ...good, digest: `sha256:${"0".repeat(64)}` }),
    toySignature(alice, { ...good, reference: "h.example/ns/one:v2" }),
  ];
  const starts = [
    "Sign the image with a key in /alice",
    "Sign the image anew: what was signed is no claim",
    "Copy the image that was signed, sha256:000",
    "Copy h.example/ns/one:v2, which was signed",
  ];
  for (const [closest, start] of starts.entries()) {
    const some = byDistance.slice(0, closest + 1);
    for (const signatures of [some, some.toReversed(), [...some.slice(1), ...some.slice(0, 1)]]) {
      const advice = await advised([signedBy("/alice")], signatures);
      assert.ok(advice.startsWith(start), advice);
    }
  }
});

test("the advice is about the requirement that failed, not about one that held", async () => {
  const elsewhere = toySignature(alice, { ...good, reference: "h.example/ns/one:v2" });
  const signatures = [elsewhere, toySignature(alice, good)];
  const advice = await advised([signedBy("/alice"), signedBy("/bob")], signatures);
  assert.equal(
    advice,
    "Sign the image with a key in /bob, or add alice to them if it is to be trusted",
  );
});

test("a signature for an image by digest is advised to be copied, one of a name alone to be taken", async () => {
  const named = (reference: string) =>
    advised([signedBy("/alice")], [toySignature(alice, { ...good, reference })]);
  const pinned = `h.example/ns/two@${manifestDigest}`;
  assert.match(await named(pinned), /^Copy h\.example\/ns\/two@sha256:/);
  assert.match(await named("h.example/ns/two:v1"), /^Copy h\.example\/ns\/two:v1, /);
  assert.match(await named("h.example/ns/two"), /^Ask for matchRepository as signedIdentity/);
});

test("an image without a name is advised to have one asked for, remapped or not", async () => {
  const signatures = [toySignature(alice, good)];
  const layout = referenceOf("oci", "/srv/layout");
  const remap = { type: "remapIdentity", prefix: "h.example", signedPrefix: "v.example" };
  for (const more of [{}, { signedIdentity: remap }]) {
    const advice = await advised([signedBy("/alice", more)], signatures, layout);
    assert.match(advice, /^Ask for exactReference or exactRepository/);
  }
});

/** A verdict made by hand, for what no policy of tests brings about. */
function verdictOf(steps: readonly Step[], more: Partial<Verdict> = {}): Verdict {
  return {
    allowed: false,
    image: "docker:h.example/a:1",
    manifestDigest,
    scope: "",
    steps,
    ...more,
  };
}

function rejected(image: string): string {
  return adviceFor(verdictOf([], { image, code: "requirement.reject" }));
}

test("a scope is advised for the repository of the image, whatever else its name has", () => {
  const add = (repository: string, transport = "docker") =>
    `Add a scope for ${repository} to transport "${transport}" in the policy, if this image is to be trusted`;
  assert.equal(rejected("docker:h.example/a:1"), add("h.example/a"));
  assert.equal(rejected("docker:h.example:5000/a:1"), add("h.example:5000/a"));
  assert.equal(rejected("docker:h.example:5000/a"), add("h.example:5000/a"));
  assert.equal(rejected(`docker:h.example:5000/a@${manifestDigest}`), add("h.example:5000/a"));
  assert.equal(rejected("dir:/srv/a"), add("/srv/a", "dir"));
  assert.equal(rejected("docker-archive:"), add('""', "docker-archive"));
});

function cryptoStep(
  code: Step<"crypto">["code"],
  untrusted?: SignatureDescription,
  keys = ["/alice"],
): Step[] {
  const held = { ok: false, code, message: "no" } as const;
  return [
    { ...held, kind: "requirement", data: { index: 0, type: "sigstoreSigned", keys } },
    ...(untrusted
      ? [{ ...held, kind: "signature", data: { signature: 0, untrusted } } as const]
      : []),
    { ...held, kind: "crypto", data: { signature: 0 } },
  ];
}

test("a bad signature of sigstore may be by another key, one of OpenPGP was changed", () => {
  const advice = (format: SignatureDescription["format"]) =>
    adviceFor(verdictOf(cryptoStep("signature.bad", { format })));
  assert.match(advice("sigstore"), /^Sign the image with a key in \/alice: .* by another one/);
  assert.match(advice("simple-signing"), /^Do not use this signature/);
});

test("advice does without a key's name, and without a claim", () => {
  const unknown = verdictOf(cryptoStep("signature.unknown-key"));
  assert.match(adviceFor(unknown), /or add the key to them/);
  const keyless = verdictOf(cryptoStep("signature.bad-trust", undefined, []));
  assert.match(adviceFor(keyless), /trusts: the policy$/);
  const [requirement] = cryptoStep("signature.revoked-key");
  assert.ok(requirement);
  const match: SignedIdentity = { type: "matchExact" };
  const identity = (data: object) =>
    adviceFor(
      verdictOf([
        requirement,
        {
          ...requirement,
          kind: "identity",
          data: { signature: 0, match, intended: "h.example/a:1", ...data },
        },
      ]),
    );
  assert.equal(
    identity({}),
    "Sign the image as h.example/a:1: what the signature names is no image",
  );
});

test("explanations tell when a signature says it was made, each line as one", () => {
  const untrusted = {
    format: "simple-signing",
    signedAt: new Date("2026-01-02T03:04:05Z"),
  } as const;
  const verdict = verdictOf(cryptoStep("signature.bad", untrusted), { error: "one\ntwo\r\nthree" });
  const lines = explainVerdict(verdict).split("\n");
  assert.ok(
    lines.includes("    signature 1 says (unverified) simple-signing, at 2026-01-02T03:04:05.000Z"),
  );
  assert.ok(lines.some((line) => line.startsWith("why: one\\ntwo") && line.endsWith("\\nthree")));
});
