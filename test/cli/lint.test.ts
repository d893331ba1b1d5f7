import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy } from "../../policy/parse.ts";
import { chooseRequirements } from "../../policy/scope.ts";
import { lintPolicy } from "../../src/cli/trust/findings.ts";
import { parseDockerReference } from "../../src/core/docker-reference.ts";
import { dockerScopes } from "../../src/core/policy-scopes.ts";

const reject = { type: "reject" };
const accept = { type: "insecureAcceptAnything" };
const signedBy = { type: "signedBy", keyType: "GPGKeys", keyPath: "/a.pub" };
const byOther = { ...signedBy, keyPath: "/b.pub" };
const sigstore = { type: "sigstoreSigned", keyPath: "/k.pub" };

function lint(transports: object, rest: object = reject): readonly string[] {
  const text = JSON.stringify({ default: [rest], transports });
  return lintPolicy(parsePolicy(Buffer.from(text), "policy")).map(({ code }) => code);
}

/** Scopes that no image is looked up under, with the scope that was meant. */
const never: readonly (readonly [scope: string, meant: string | undefined])[] = [
  ["busybox", "docker.io/library/busybox"],
  ["team/app", "docker.io/team/app"],
  ["docker.io/busybox:latest", "docker.io/library/busybox:latest"],
  ["index.docker.io/library/busybox", "docker.io/library/busybox"],
  ["docker://a.test/x", "a.test/x"],
  ["*", undefined],
  ["*.a.test:443", "*.a.test"],
  ["*.a.test/team", "*.a.test"],
  ["a.*.test", undefined],
  ["a.test/", undefined],
  ["a.test/Team", undefined],
  ["a.test//x", undefined],
  ["a.test/x:1 ", undefined],
];

test("scopes that can never match are errors, and what was meant is named", () => {
  for (const [scope, meant] of never) {
    const text = JSON.stringify({
      default: [reject],
      transports: { docker: { [scope]: [reject] } },
    });
    const findings = lintPolicy(parsePolicy(Buffer.from(text), "policy"));
    assert.deepEqual(
      findings.map(({ level, code, hint }) => [level, code, hint]),
      [["error", "scope.never-matches", meant && `Write "${meant}"`]],
      scope,
    );
  }
});

test("scopes that do match are left alone, and they do", () => {
  const rows = [
    ["a.test", "a.test/x:1"],
    ["a.test:5000", "a.test:5000/x:1"],
    ["localhost", "localhost/x:1"],
    ["localhost:5000/x", "localhost:5000/x:1"],
    ["*.a.test", "b.a.test/x:1"],
    ["a.test/x", "a.test/x:1"],
    ["a.test/x:1", "a.test/x:1"],
    ["docker.io", "busybox:latest"],
    ["docker.io/library", "busybox:latest"],
    ["docker.io/library/busybox:latest", "busybox:latest"],
    [`a.test/x@sha256:${"0".repeat(64)}`, `a.test/x@sha256:${"0".repeat(64)}`],
  ] as const;
  for (const [scope, image] of rows) {
    assert.deepEqual(lint({ docker: { [scope]: [reject] } }), [], scope);
    const text = JSON.stringify({
      default: [accept],
      transports: { docker: { [scope]: [reject] } },
    });
    const policy = parsePolicy(Buffer.from(text), "policy");
    const docker = parseDockerReference(image);
    const chosen = chooseRequirements(policy, {
      transport: "docker",
      text: "",
      docker,
      ...dockerScopes(docker),
    });
    assert.equal(chosen.scope, scope);
  }
});

const rows: readonly (readonly [what: string, transports: object, codes: readonly string[]])[] = [
  [
    "a namespace that looks like an image",
    { docker: { "docker.io/busybox": [reject] } },
    ["scope.hub-namespace"],
  ],
  ["an unknown transport", { dokcer: { "a.test": [reject] } }, ["scope.unknown-transport"]],
  ["a hole", { docker: { "a.test": [signedBy], "a.test/x": [accept] } }, ["scope.hole"]],
  [
    "a hole below a wildcard",
    { docker: { "*.test": [signedBy], "a.test/x": [accept] } },
    ["scope.hole"],
  ],
  [
    "no hole: an entry between",
    { docker: { "a.test": [signedBy], "a.test/x": [reject], "a.test/x/y": [accept] } },
    [],
  ],
  [
    "two keys that must both sign",
    { docker: { "a.test": [signedBy, byOther] } },
    ["entry.every-key"],
  ],
  [
    "reject beside others",
    { docker: { "a.test": [reject, signedBy] } },
    ["entry.reject-among-others"],
  ],
  [
    "accept beside others",
    { docker: { "a.test": [accept, signedBy] } },
    ["entry.accept-among-others"],
  ],
  ["signatures where there are none", { oci: { "": [signedBy] } }, ["requirement.no-signatures"]],
  ["a name where there is none", { dir: { "": [signedBy] } }, ["identity.nameless"]],
  [
    "a name that needs none",
    {
      dir: {
        "": [
          {
            ...signedBy,
            signedIdentity: { type: "exactRepository", dockerRepository: "a.test/x" },
          },
        ],
      },
    },
    [],
  ],
  ["cosign's names", { docker: { "a.test": [sigstore] } }, ["identity.cosign"]],
  [
    "cosign's names, seen to",
    { docker: { "a.test": [{ ...sigstore, signedIdentity: { type: "matchRepository" } }] } },
    [],
  ],
  [
    "a remap of something else",
    {
      docker: {
        "a.test": [
          {
            ...signedBy,
            signedIdentity: { type: "remapIdentity", prefix: "b.test", signedPrefix: "c.test" },
          },
        ],
      },
    },
    ["identity.idle-remap"],
  ],
  [
    "an unknown kind of key",
    { docker: { "a.test": [{ ...signedBy, keyType: "X509Certificates" }] } },
    ["requirement.key-type"],
  ],
  [
    "the base layer's signature",
    {
      docker: {
        "a.test": [{ type: "signedBaseLayer", baseLayerIdentity: { type: "matchExact" } }],
      },
    },
    ["requirement.not-implemented"],
  ],
];

test("lintPolicy() finds what does not do what it seems to", () => {
  for (const [what, transports, codes] of rows) assert.deepEqual(lint(transports), codes, what);
  assert.deepEqual(lint({}, accept), ["default.accepts-anything"]);
});
