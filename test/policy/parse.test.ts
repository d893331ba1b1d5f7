import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { PolicyError } from "../../policy/errors.ts";
import { lintPolicy } from "../../policy/lint.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { contextOf } from "./world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("parsePolicy() reads defaults, transports and scopes", () => {
  const policy = parsePolicy(
    bytes(`{"default":[{"type":"reject"}],"transports":{
      "docker":{"host.example/ns":[{"type":"insecureAcceptAnything"}],"":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/k"}]},
      "dir":{"/a/b":[{"type":"insecureAcceptAnything"},{"type":"reject"}]}, "future":{"any thing":[{"type":"reject"}]}}}`),
    "p",
  );
  assert.deepEqual(policy.default, [{ type: "reject" }]);
  assert.deepEqual(policy.transports.get("docker")?.get("host.example/ns"), [
    { type: "insecureAcceptAnything" },
  ]);
  assert.deepEqual(policy.transports.get("docker")?.get(""), [
    {
      type: "signedBy",
      keyType: "GPGKeys",
      keys: { paths: ["/k"] },
      signedIdentity: { type: "matchRepoDigestOrExact" },
    },
  ]);
  assert.equal(policy.transports.get("dir")?.get("/a/b")?.length, 2);
});

test("parsePolicy() reads all of what sigstoreSigned trusts", () => {
  const data = bytes("a");
  const caData = btoa("a");
  const read = (members: object) => {
    const requirement = { type: "sigstoreSigned", ...members };
    return parsePolicy(bytes(JSON.stringify({ default: [requirement] })), "p").default;
  };
  const reads = (identity: object, more: object = {}) => {
    const signedIdentity = { type: "matchRepoDigestOrExact" };
    return [{ type: "sigstoreSigned", identity, signedIdentity, ...more }];
  };
  const keys = { type: "keys", keys: { paths: ["/k"] } };
  assert.deepEqual(read({ keyPath: "/k" }), reads(keys));
  assert.deepEqual(
    read({ keyPath: "/k", rekorPublicKeyPath: "/r" }),
    reads(keys, { rekorKeys: { paths: ["/r"] } }),
  );
  const fulcio = { caData, oidcIssuer: "i", subjectEmail: "e" };
  assert.deepEqual(
    read({ fulcio, rekorPublicKeyPaths: ["/r", "/s"] }),
    reads(
      { type: "fulcio", ca: { data: [data] }, oidcIssuer: "i", subjectEmail: "e" },
      { rekorKeys: { paths: ["/r", "/s"] } },
    ),
  );
  const roots = { type: "pki", caRoots: { paths: ["/c"] } };
  assert.deepEqual(
    read({ pki: { caRootsPath: "/c", subjectEmail: "e" } }),
    reads({ ...roots, subjectEmail: "e" }),
  );
  assert.deepEqual(
    read({ pki: { caRootsPath: "/c", caIntermediatesData: caData, subjectHostname: "h" } }),
    reads({ ...roots, caIntermediates: { data: [data] }, subjectHostname: "h" }),
  );
});

// The reasons are compatibility facts: containers/image prints them.
const refused: readonly (readonly [text: string, reason: string])[] = [
  ["{}", "Default policy is missing"],
  [`{"default":[]}`, "List of verification policy requirements must not be empty"],
  [`{"default":null}`, "List of verification policy requirements must not be empty"],
  [
    `{"default":[{"type":"reject"}],"transports":{"docker":{"x":[]}}}`,
    "List of verification policy requirements must not be empty",
  ],
  [`{"default":[{"type":"accept"}]}`, 'Unknown policy requirement type "accept"'],
  [`{"default":[{}]}`, 'Unknown policy requirement type ""'],
  [`{"default":[{"type":"reject","extra":1}]}`, 'Unknown key "extra"'],
  [`{"default":[{"type":"reject"}],"Default":[]}`, 'Unknown key "Default"'],
  [`{"default":[{"type":"reject"}],"__proto__":{}}`, 'Unknown key "__proto__"'],
  [
    `{"default":[{"type":"reject"}],"default":[{"type":"insecureAcceptAnything"}]}`,
    'Duplicate key "default"',
  ],
  [
    `{"default":[{"type":"reject"}],"d\\u0065fault":[{"type":"insecureAcceptAnything"}]}`,
    'Duplicate key "default"',
  ],
  [
    `{"default":[{"type":"reject"}],"transports":{"dir":{"relative":[{"type":"reject"}]}}}`,
    'Unknown key "relative"',
  ],
  [
    `{"default":[{"type":"reject"}],"transports":{"dir":{"/a/../b":[{"type":"reject"}]}}}`,
    'Unknown key "/a/../b"',
  ],
  [
    `{"default":[{"type":"reject"}],"transports":{"oci":{"/":[{"type":"reject"}]}}}`,
    'Unknown key "/"',
  ],
  [
    `{"default":[{"type":"reject"}],"transports":{"docker-archive":{"/x":[{"type":"reject"}]}}}`,
    'Unknown key "/x"',
  ],
];

test("parsePolicy() refuses what is not a policy, in containers/image's words", () => {
  for (const [text, reason] of refused) {
    assert.throws(
      () => parsePolicy(bytes(text), "/p"),
      (error) =>
        error instanceof PolicyError &&
        error.code === "policy.invalid" &&
        error.message === `invalid policy in "/p": ${reason}`,
      text,
    );
  }
});

test("parsePolicy() refuses every text that is not one JSON object", () => {
  const texts = [
    "",
    "null",
    "[]",
    '"x"',
    "{",
    `{"default":[{"type":"reject"}]} x`,
    `{"default":{}}`,
    `{"default":[{"type":1}]}`,
    `{"default":[null]}`,
    `{"default":[{"type":"reject"}],"transports":null}`,
    `{"default":[{"type":"reject"}],"transports":{"docker":[]}}`,
    "[".repeat(5_000),
  ];
  for (const text of texts) {
    assert.throws(
      () => parsePolicy(bytes(text), "/p"),
      (error) => error instanceof PolicyError && error.code === "policy.invalid",
      text.slice(0, 60),
    );
  }
});

test("the policies that come along are valid, reject by default, and give the linter nothing but their keys", async () => {
  const folder = new URL("../../policy/", import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  assert.ok(names.length >= 4);
  for (const name of names) {
    const bytes = readFileSync(new URL(name, folder));
    assert.deepEqual(parsePolicy(bytes, name).default, [{ type: "reject" }], name);
    const options = { readKeyFile: contextOf({}).readKeyFile, now: new Date() };
    const findings = await lintPolicy(bytes, name, options);
    assert.deepEqual(
      findings.filter(({ code }) => code !== "key.unreadable"),
      [],
      name,
    );
  }
});
