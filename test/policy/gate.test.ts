import assert from "node:assert/strict";
import { test } from "node:test";
import { PolicyError } from "../../policy/errors.ts";
import { createGate } from "../../policy/gate.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { acceptAnything, type Policy } from "../../policy/policy.ts";
import { lookupChain } from "../../policy/scope.ts";
import { digestOf } from "../../src/core/digest.ts";
import type { ImageReference } from "../../src/core/image-reference.ts";
import { parseDockerLocation } from "../../src/transport/docker/location.ts";
import { noTrust } from "../support/no-trust.ts";

const docker = (text: string) => parseDockerLocation(text, { tagAndDigest: true });
const policyOf = (value: unknown) =>
  parsePolicy(new TextEncoder().encode(JSON.stringify(value)), "p");
const subject = (reference: ImageReference) => ({
  reference,
  manifestDigest: digestOf(new Uint8Array()),
  signatures: async () => [],
});
const accept = [{ type: "insecureAcceptAnything" }];
const reject = [{ type: "reject" }];
const signedBy = [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/k" }];

test("lookupChain() goes from the image to its transport's default", () => {
  assert.deepEqual(lookupChain(docker("//yet.another.example.com:8443/ns/repo:t")), [
    "yet.another.example.com:8443/ns/repo:t",
    "yet.another.example.com:8443/ns/repo",
    "yet.another.example.com:8443/ns",
    "yet.another.example.com:8443",
    "*.another.example.com",
    "*.example.com",
    "*.com",
    "",
  ]);
  assert.deepEqual(lookupChain(docker("//busybox")).slice(0, 3), [
    "docker.io/library/busybox:latest",
    "docker.io/library/busybox",
    "docker.io/library",
  ]);
});

const rows: readonly (readonly [policy: unknown, image: string, allowed: boolean])[] = [
  [{ default: accept }, "//busybox", true],
  [{ default: reject }, "//busybox", false],
  [{ default: [...accept, ...reject] }, "//busybox", false],
  [
    { default: reject, transports: { docker: { "docker.io/library/busybox": accept } } },
    "//busybox",
    true,
  ],
  [
    { default: reject, transports: { docker: { "docker.io/busybox": accept } } },
    "//busybox",
    false,
  ], // must be written out
  [{ default: reject, transports: { docker: { "": accept } } }, "//busybox", true],
  [{ default: accept, transports: { dir: { "": reject } } }, "//busybox", true],
  [
    { default: reject, transports: { docker: { "h.example": accept } } },
    "//h.example:5000/a",
    false,
  ], // host:port is no child of host
  [
    { default: reject, transports: { docker: { "*.example": accept } } },
    "//h.example:5000/a",
    true,
  ],
  [
    { default: accept, transports: { docker: { "*.example": reject, "a.h.example": accept } } },
    "//a.h.example/x",
    true,
  ],
  [
    { default: accept, transports: { docker: { "h.example/x:t": reject } } },
    "//h.example/x:t",
    false,
  ],
  // a digest decides: the tag's scope is not consulted
  [
    { default: accept, transports: { docker: { "h.example/x:t": reject } } },
    `//h.example/x:t@sha256:${"0".repeat(64)}`,
    true,
  ],
  [{ default: signedBy }, "//busybox", false],
  [{ default: [{ type: "sigstoreSigned", keyPath: "/k" }] }, "//busybox", false],
  [
    { default: [{ type: "signedBaseLayer", baseLayerIdentity: { type: "matchExact" } }] },
    "//busybox",
    false,
  ],
  [{ default: [...accept, ...signedBy] }, "//busybox", false],
];

test("createGate() admits what the deciding scope accepts and nothing else", async () => {
  for (const [policy, image, allowed] of rows) {
    const gate = createGate(policyOf(policy), noTrust);
    const what = `${JSON.stringify(policy)} ${image}`;
    assert.equal((await gate.verdict(subject(docker(image)))).allowed, allowed, what);
    const admitted = gate.admit(subject(docker(image)));
    if (allowed) await admitted;
    else {
      await assert.rejects(
        admitted,
        (error) => error instanceof PolicyError && error.code === "policy.refused",
        what,
      );
    }
  }
});

test("createGate() says which image a reject refuses, in containers/image's words", async () => {
  const gate = createGate(policyOf({ default: reject }), noTrust);
  await assert.rejects(gate.admit(subject(docker("//docker.io/library/busybox"))), {
    message: "Source image rejected: Running image docker://busybox:latest is rejected by policy.",
  });
});

test("the policy that accepts anything does", async () => {
  const gate = createGate(acceptAnything, noTrust);
  for (const name of ["//busybox", "//h.example/a:1"]) {
    assert.equal((await gate.verdict(subject(docker(name)))).allowed, true);
  }
});

test("a policy made by a program that asks for nothing lets nothing in", async () => {
  const nothing = [] as unknown as Policy["default"];
  const refused = {
    code: "policy.refused",
    message: "Source image rejected: List of verification policy requirements must not be empty",
  };
  const busybox = subject(docker("//busybox"));
  const byDefault: Policy = { default: nothing, transports: new Map() };
  await assert.rejects(createGate(byDefault, noTrust).admit(busybox), refused);
  const byScope = new Map([["docker", new Map([["", nothing]])]]);
  const scoped = createGate({ ...acceptAnything, transports: byScope }, noTrust);
  await assert.rejects(scoped.admit(busybox), refused);
  const overlay = { transports: new Map([["docker", new Map([["", []]])]]) };
  const overlaid = createGate(acceptAnything, { ...noTrust, overlay });
  await assert.rejects(overlaid.admit(busybox), refused);
  assert.equal((await overlaid.verdict(busybox)).code, "requirement.unsigned");
});

test("createGate() with requireSigned refuses what a policy accepts unsigned", async () => {
  const gate = createGate(acceptAnything, { ...noTrust, requireSigned: true });
  await assert.rejects(gate.admit(subject(docker("//busybox"))), {
    code: "policy.refused",
    message:
      "Source image rejected: No signature verification policy found for image docker:docker.io/library/busybox:latest",
  });
});
