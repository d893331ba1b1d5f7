import assert from "node:assert/strict";
import { mkdir, realpath, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isValidScope } from "../../policy/scope.ts";
import { parseDockerReference } from "../../src/core/docker-reference.ts";
import type { ImageReference } from "../../src/core/image-reference.ts";
import { dockerScopes, storageScopes } from "../../src/core/policy-scopes.ts";
import { resolveDirLocation } from "../../src/transport/dir/location.ts";
import { resolveOciLocation } from "../../src/transport/oci/location.ts";
import { tempFolder } from "../support/temp.ts";
import { contextOf, docker, gateOf, referenceOf, subjectOf } from "./world.ts";

const accept = [{ type: "insecureAcceptAnything" }];
const reject = [{ type: "reject" }];

/** Whether an image passes where some scopes of its transport accept, others reject, and the default rejects. */
async function passes(
  image: ImageReference,
  accepted: readonly string[],
  rejected: readonly string[] = [],
  fallback: readonly object[] = reject,
): Promise<boolean> {
  const scopes = [
    ...accepted.map((scope) => [scope, accept] as const),
    ...rejected.map((scope) => [scope, reject] as const),
  ];
  const policy = {
    default: fallback,
    transports: { [image.transport]: Object.fromEntries(scopes) },
  };
  return (await gateOf(policy, contextOf({})).verdict(subjectOf(image))).allowed;
}

const R = "127.0.0.1:5000";
const hex = "0123456789abcdef".repeat(4);
const digested = `${R}/ns/one@sha256:${hex}`;

// Rows F of specs/signing.md, appendix A.
const rows: readonly (readonly [
  id: string,
  image: string,
  accepted: string[],
  rejected: string[],
  passes: boolean,
])[] = [
  ["F1", `${R}/ns/one:v1`, [`${R}/ns/one:v1`], [], true],
  ["F1b", `${R}/ns/one:v1`, [`${R}/ns/one:v2`], [], false],
  ["F2", `${R}/ns/one:v1`, [`${R}/ns/one`], [], true],
  ["F3", `${R}/ns/one:v1`, [`${R}/ns`], [], true],
  ["F4", `${R}/ns/one:v1`, [R], [], true],
  ["F4b", `${R}/ns/one:v1`, ["127.0.0.1"], [], false],
  ["F5", `${R}/ns/one:v1`, [""], [], true],
  ["F6", `${R}/ns/one:v1`, [R], [`${R}/ns/one`], false],
  ["F6b", `${R}/ns/one:v1`, [`${R}/ns/one:v1`], [`${R}/ns/one`], true],
  ["F6c", `${R}/ns/one:v1`, [`${R}/n`], [], false],
  ["F7", digested, [digested], [], true],
  ["F7b", digested, [`${R}/ns/one:v1`], [], false],
  ["F8", "foo.example.com/ns/one:v1", ["*.example.com"], [], true],
  ["F8b", "foo.example.com/ns/one:v1", ["*.com"], [], true],
  ["F8c", "foo.example.com/ns/one:v1", ["*.foo.example.com"], [], false],
  ["F8d", "a.b.example.com/ns/one:v1", ["*.com"], ["*.example.com"], false],
  ["F8e", "a.b.example.com/ns/one:v1", ["*.example.com"], [], true],
  ["F8f", "example.com/ns/one:v1", ["*.example.com"], [], false],
  ["F8g", "reg.example.com:8443/ns/one:v1", ["*.example.com"], [], true],
  ["F8h", "reg.example.com:8443/ns/one:v1", ["*.example.com:8443"], [], false],
  ["F8i", "foo.example.com/ns/one:v1", ["*.example.com/ns"], [], false],
  ["F8j", "foo.example.com/ns/one:v1", ["*.example.com"], ["foo.example.com"], false],
  ["F8k", `${R}/ns/one:v1`, ["*.0.0.1"], [], true],
  ["F8l", `${R}/ns/one:v1`, ["*"], [], false],
  ["F9", "busybox:latest", ["docker.io/library/busybox"], [], true],
  ["F9b", "busybox:latest", ["busybox"], [], false],
  ["F9c", "busybox:latest", ["docker.io/busybox"], [], false],
  ["F9d", "busybox:latest", ["docker.io/library"], [], true],
  ["F9e", "index.docker.io/library/busybox:latest", ["index.docker.io"], [], false],
  ["F9f", "busybox:latest", ["*.io"], [], true],
  ["F10", "foo.example.com/ns/one:v1", ["FOO.example.com"], [], false],
  ["tag and digest", `${R}/ns/one:v1@sha256:${hex}`, [digested], [], true],
  ["tag and digest, tag scope", `${R}/ns/one:v1@sha256:${hex}`, [`${R}/ns/one:v1`], [], false],
  ["no tag", "h.example/a", ["h.example/a:latest"], [], true],
  ["localhost", "localhost/a:1", ["*"], [], false],
];

test("the nearest scope of an image's name decides", async () => {
  for (const [id, image, accepted, rejected, expected] of rows) {
    assert.equal(await passes(docker(image), accepted, rejected), expected, id);
  }
  assert.equal(await passes(docker(`${R}/ns/one:v1`), [], [`${R}/zzz`], accept), true, "F11");
});

test("scopes of another transport are not looked at", async () => {
  const policy = { default: reject, transports: { atomic: { [R]: accept }, dir: { "": accept } } };
  const image = docker(`${R}/ns/one:v1`);
  const verdict = await gateOf(policy, contextOf({})).verdict(subjectOf(image));
  assert.equal(verdict.allowed, false, "F12");
  const [scope] = verdict.steps;
  assert.deepEqual(scope?.data, { entry: "policy-default", scope: "", tried: [] });
});

test("folders are known by their path without links", async () => {
  await using folder = await tempFolder();
  const root = await realpath(folder.path);
  await mkdir(join(root, "dd/x"), { recursive: true });
  await mkdir(join(root, "img/l"), { recursive: true });
  await symlink("dd", join(root, "lnk"));
  const at = (path: string) => resolveDirLocation(join(root, path));
  assert.equal(await passes(await at("dd/x"), [`${root}/dd/x`]), true, "F20");
  assert.equal(await passes(await at("dd/x"), [root]), true, "F20b");
  assert.equal(await passes(await at("dd/x"), [`${root}/d`]), false, "F20c");
  assert.equal(await passes(await at("dd/x"), [""]), true, "F20d");
  assert.equal(await passes(await at("lnk/x"), [`${root}/lnk`]), false, "F20e");
  assert.equal(await passes(await at("lnk/x"), [`${root}/dd`]), true, "F20f");
  assert.equal(
    await passes(await resolveDirLocation(`${root}/dd/../dd/x`), [`${root}/dd`]),
    true,
    "F20g",
  );
  const layout = await resolveOciLocation(`${root}/img/l:one`);
  assert.equal(await passes(layout, [`${root}/img`]), true, "F21");
  assert.equal(await passes(layout, [`${root}/img/l`]), true);
  assert.equal(await passes(layout, [`${root}/img/l:one`]), false, "F21b");
});

test("archives without a name are known by their transport only", async () => {
  assert.equal(await passes(referenceOf("docker-archive", ""), [""]), true, "F22");
  assert.equal(
    await passes(referenceOf("oci-archive", "/p/oa.tar", ["/p/oa.tar", "/p"]), ["/p"]),
    true,
    "F23b",
  );
});

test("dockerScopes() names what docker, atomic and docker-daemon look up", () => {
  const scopes = dockerScopes(parseDockerReference("yet.another.example.com:8443/ns/repo:t"));
  assert.deepEqual(scopes, {
    policyIdentity: "yet.another.example.com:8443/ns/repo:t",
    policyNamespaces: [
      "yet.another.example.com:8443/ns/repo",
      "yet.another.example.com:8443/ns",
      "yet.another.example.com:8443",
      "*.another.example.com",
      "*.example.com",
      "*.com",
    ],
  });
  assert.deepEqual(dockerScopes(parseDockerReference("localhost/a:1")).policyNamespaces, [
    "localhost/a",
    "localhost",
  ]);
});

test("isValidScope() knows the forms of a store's scopes", () => {
  const id = `@${hex}`;
  const digest = `@sha256:${hex}`;
  const valid = ["", "[/s]", "[overlay@/s]", "[/s]h/a", `[/s]${id}`, `[/s]h/a${digest}${id}`];
  const invalid = [
    "x[/s]",
    "/s",
    "[s]",
    "[@/s]",
    "[]",
    "[/s",
    "[/s]h@x",
    `[/s]${id}${id}`,
    `[/s]${digest}${digest}`,
    `[/s]${digest}${id}@x`,
  ];
  for (const scope of valid) assert.equal(isValidScope("containers-storage", scope), true, scope);
  for (const scope of invalid)
    assert.equal(isValidScope("containers-storage", scope), false, scope);
});

test("storageScopes() names what a store looks up", () => {
  const store = { driver: "overlay", root: "/s" };
  const named = parseDockerReference(`h.example/a/b:t@sha256:${hex}`);
  assert.deepEqual(storageScopes({ ...store, docker: named, id: hex }), {
    policyIdentity: `[overlay@/s]h.example/a/b:t@sha256:${hex}@${hex}`,
    policyNamespaces: [
      `[overlay@/s]h.example/a/b:t@sha256:${hex}`,
      "[overlay@/s]h.example/a/b:t",
      "[overlay@/s]h.example/a/b",
      "[overlay@/s]h.example/a",
      "[overlay@/s]h.example",
      "[overlay@/s]",
      "[/s]",
    ],
  });
  assert.deepEqual(storageScopes({ ...store, id: hex }), {
    policyIdentity: `[overlay@/s]@${hex}`,
    policyNamespaces: ["[overlay@/s]", "[/s]"],
  });
  assert.deepEqual(
    storageScopes({ ...store, docker: parseDockerReference("h.example/a:t") }).policyNamespaces,
    ["[overlay@/s]h.example/a", "[overlay@/s]h.example", "[overlay@/s]", "[/s]"],
  );
});
