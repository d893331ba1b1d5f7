import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { adviceFor } from "../../policy/advice.ts";
import { PolicyError } from "../../policy/errors.ts";
import { explainVerdict, verdictToJson } from "../../policy/explain.ts";
import { SignatureError, type SignatureErrorCode } from "../../sigstore/errors.ts";
import type { UntrustedSignature } from "../../sigstore/signature.ts";
import { KnownError } from "../../src/core/errors.ts";
import type { ImageReference } from "../../src/core/image-reference.ts";
import { createToyKey, tampered, toySignature } from "./toy-signatures.ts";
import { contextOf, docker, gateOf, manifestDigest, referenceOf, subjectOf } from "./world.ts";

const alice = createToyKey("alice");
const bob = createToyKey("bob");
const revoked = createToyKey("carol", { revoked: true });
const expired = createToyKey("dave", { expires: "2020-01-01T00:00:00Z" });
const lasting = createToyKey("erin", { expires: "2027-01-01T00:00:00Z" });
const files = {
  "/alice": alice.file,
  "/carol": revoked.file,
  "/dave": expired.file,
  "/erin": lasting.file,
};
const policyFile = { path: "/etc/containers/policy.json" };

const image = docker("h.example/ns/one:v1");
const good = { digest: manifestDigest, reference: "h.example/ns/one:v1" };
const signedBy = (path: string, more: object = {}) => ({
  type: "signedBy",
  keyType: "GPGKeys",
  keyPath: path,
  ...more,
});
const sigstoreSigned = { type: "sigstoreSigned", keyPath: "/alice" };
const cosignName = toySignature(alice, { ...good, reference: "h.example/ns/one" }, "sigstore");

interface Case {
  readonly requirements: readonly object[];
  readonly signatures?: readonly UntrustedSignature[];
  readonly image?: ImageReference;
  readonly byDefault?: true;
  readonly requireSigned?: true;
  readonly unreachable?: true;
}

const cases: Readonly<Record<string, Case>> = {
  "signed well": {
    requirements: [signedBy("/alice")],
    signatures: [toySignature(bob, good), toySignature(alice, good)],
  },
  "signed by a key that ends": {
    requirements: [signedBy("/erin")],
    signatures: [toySignature(lasting, good)],
  },
  "wrong key": { requirements: [signedBy("/alice")], signatures: [toySignature(bob, good)] },
  "wrong identity": {
    requirements: [signedBy("/alice")],
    signatures: [toySignature(alice, { ...good, reference: "h.example/ns/one:v2" })],
  },
  "repository only": { requirements: [sigstoreSigned], signatures: [cosignName] },
  "tampered payload": {
    requirements: [signedBy("/alice")],
    signatures: [tampered(toySignature(alice, good))],
  },
  "no claim": { requirements: [signedBy("/alice")], signatures: [toySignature(alice, "{")] },
  "another image": {
    requirements: [signedBy("/alice")],
    signatures: [toySignature(alice, { ...good, digest: `sha256:${"0".repeat(64)}` })],
  },
  "revoked key": { requirements: [signedBy("/carol")], signatures: [toySignature(revoked, good)] },
  "expired key": { requirements: [signedBy("/dave")], signatures: [toySignature(expired, good)] },
  "missing signature": { requirements: [signedBy("/alice")] },
  "missing sigstore signature": { requirements: [sigstoreSigned] },
  "sigstore only": { requirements: [signedBy("/alice")], signatures: [cosignName] },
  "OpenPGP only": { requirements: [sigstoreSigned], signatures: [toySignature(alice, good)] },
  "missing key file": {
    requirements: [signedBy("/missing")],
    signatures: [toySignature(alice, good)],
  },
  "signatures out of reach": { requirements: [signedBy("/alice")], unreachable: true },
  "rejected by a scope": { requirements: [{ type: "reject" }] },
  "rejected by default": { requirements: [{ type: "reject" }], byDefault: true },
  "base layer": {
    requirements: [{ type: "signedBaseLayer", baseLayerIdentity: { type: "matchExact" } }],
  },
  "accepted but required to be signed": {
    requirements: [{ type: "insecureAcceptAnything" }],
    requireSigned: true,
  },
  "image without a name": {
    requirements: [signedBy("/alice")],
    signatures: [toySignature(alice, good)],
    image: referenceOf("oci", "/srv/layout", ["/srv/layout", "/srv"]),
    byDefault: true,
  },
  "hostile text": {
    requirements: [
      signedBy("/alice", {
        signedIdentity: { type: "exactReference", dockerReference: "h.example/x:1" },
      }),
    ],
    signatures: [
      toySignature(alice, {
        digest: manifestDigest,
        reference: "\u001b[2J\u202eevil\nallowed: all",
      }),
    ],
  },
  "claim that is no name": {
    requirements: [signedBy("/alice")],
    signatures: [
      toySignature(alice, {
        digest: manifestDigest,
        reference: "\u001b[2J\u202eevil\nallowed: all",
      }),
    ],
  },
  "remapped to no name": {
    requirements: [
      signedBy("/alice", {
        signedIdentity: {
          type: "remapIdentity",
          prefix: "h.example/ns",
          signedPrefix: "docker.io",
        },
      }),
    ],
    signatures: [toySignature(alice, good)],
  },
  "wrong name after a remap": {
    requirements: [
      signedBy("/alice", {
        signedIdentity: { type: "remapIdentity", prefix: "h.example", signedPrefix: "v.example" },
      }),
    ],
    signatures: [toySignature(alice, good)],
  },
  remapped: {
    requirements: [
      signedBy("/alice", {
        signedIdentity: { type: "remapIdentity", prefix: "h.example", signedPrefix: "v.example" },
      }),
      signedBy("/alice", {
        signedIdentity: { type: "exactRepository", dockerRepository: "h.example/y" },
      }),
    ],
    signatures: [toySignature(alice, { ...good, reference: "v.example/ns/one:v1" })],
  },
};

async function verdictOf(given: Case) {
  const { requirements, signatures = [], byDefault, requireSigned = false, unreachable } = given;
  const scoped = {
    default: [{ type: "reject" }],
    transports: { docker: { "h.example/ns": requirements } },
  };
  const policy = byDefault
    ? { default: requirements, transports: { docker: { "g.example": requirements } } }
    : scoped;
  const subject = subjectOf(given.image ?? image, signatures);
  const failing = () =>
    Promise.reject(new KnownError("store.failed", "reading signatures: status 500"));
  const gate = gateOf(policy, contextOf(files, { policyFile, requireSigned }));
  return await gate.verdict(unreachable ? { ...subject, signatures: failing } : subject);
}

// To be looked at by a person: UPDATE_GOLDEN=1 writes it anew.
const golden = new URL("./explanations.golden.txt", import.meta.url);

test("explanations are those that somebody has read and found good", async () => {
  const parts: string[] = [];
  for (const [name, given] of Object.entries(cases)) {
    parts.push(`# ${name}\n\n${explainVerdict(await verdictOf(given))}`);
  }
  parts.push(`# policy typos\n\n${typos.map((text) => faultOf(text)).join("\n")}\n`);
  const text = parts.join("\n");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
  const expected = readFileSync(golden, "utf8").split(/^(?=# )/m);
  for (const [index, part] of text.split(/^(?=# )/m).entries()) assert.equal(part, expected[index]);
  assert.equal(expected.length, parts.length);
});

const accept = '[{"type":"insecureAcceptAnything"}]';
const typos = [
  `{"default":[{"type":"signedby"}]}`,
  `{"default":[{"type":"signedBy","keyType":"GPGKeys","keypath":"/k"}]}`,
  `{"default":[{"type":"signedBy","keyType":"gpgkeys","keyPath":"/k"}]}`,
  `{"default":${accept},"transports":{"docker":{"h.example":[{"type":"reject"},{"type":"signedBy","keyType":"GPGKeys","keyPath":"/k","signedIdentity":{"type":"matchExactly"}}]}}}`,
  `{"default":${accept},"transports":{"dir":{"relative":${accept}}}}`,
  `{"default":${accept},"transport":{}}`,
  `{"default":[{"type":"sigstoreSigned","fulcio":{"caPath":"/c","issuer":"i"}}]}`,
  `{"default":[]}`,
  `{"default":[],}`,
  `{"default":[{"type":"nothing at all"}]}`,
];

function faultOf(text: string): string {
  try {
    gateOf(text, contextOf({}));
    return "valid";
  } catch (error) {
    assert.ok(
      error instanceof PolicyError && error.code === "policy.invalid" && error.file === "p",
    );
    return `${text}\n  ${error.message}\n  ${error.hint}\n`;
  }
}

test("an explanation cannot be forged by what a signature says", async () => {
  const { "hostile text": hostile } = cases;
  assert.ok(hostile);
  const text = explainVerdict(await verdictOf(hostile));
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u202e]|^allowed/m);
});

test("the JSON of a verdict is the verdict and the advice, and can be parsed again", async () => {
  const refused = await verdictOf(cases["wrong key"] ?? { requirements: [] });
  assert.deepEqual(JSON.parse(JSON.stringify(verdictToJson(refused))), {
    ...JSON.parse(JSON.stringify(refused)),
    advice: adviceFor(refused),
  });
  const allowed = await verdictOf(cases["signed by a key that ends"] ?? { requirements: [] });
  const json = verdictToJson(allowed) as {
    readonly validUntil?: unknown;
    readonly advice?: unknown;
  };
  assert.deepEqual([json.validUntil, json.advice], ["2027-01-01T00:00:00.000Z", undefined]);
});

test("the gate's hint is the explanation's advice", async () => {
  const gate = gateOf({ default: [{ type: "reject" }] }, contextOf({}, { policyFile }));
  const subject = subjectOf(docker("busybox"));
  await assert.rejects(gate.admit(subject), {
    hint: 'Add a scope for docker.io/library/busybox to transport "docker" in /etc/containers/policy.json, if this image is to be trusted',
  });
  const unknown = gateOf({ default: [{ type: "reject" }] }, contextOf({}));
  await assert.rejects(unknown.admit(subject), { hint: /in the policy, if/ });
});

test("there is advice for each way in which a signature fails", async () => {
  const codes: readonly SignatureErrorCode[] = [
    "signature.malformed",
    "signature.bad",
    "signature.expired",
    "signature.expired-key",
    "signature.revoked-key",
    "signature.unknown-key",
    "signature.weak",
    "signature.bad-payload",
    "signature.bad-certificate",
    "signature.bad-log-entry",
    "signature.bad-trust",
  ];
  const said = new Map<string, string>();
  for (const code of codes) {
    const { verifiers } = contextOf({});
    const failing = {
      ...verifiers,
      simpleSigning: async () => ({ verify: () => Promise.reject(new SignatureError(code, "no")) }),
    };
    const gate = gateOf(
      { default: [signedBy("/alice")] },
      contextOf(files, { verifiers: failing }),
    );
    const verdict = await gate.verdict(subjectOf(image, [toySignature(alice, good)]));
    assert.match(adviceFor(verdict), /^[A-Z]/, code);
    said.set(adviceFor(verdict), code);
  }
  assert.equal(said.size, codes.length - 1); // malformed and bad are the same to a user
});

test("a verdict of which little is known has advice too", () => {
  const verdict = {
    allowed: false,
    image: "docker:h.example/a:1",
    manifestDigest,
    scope: "",
    steps: [],
  };
  assert.equal(adviceFor(verdict), "Change the policy, or sign the image");
});
