import assert from "node:assert/strict";
import { test } from "node:test";
import type { SignedIdentity } from "../../policy/policy.ts";
import { matchesIdentity } from "../../policy/signed-identity.ts";
import { parseDockerReference } from "../../src/core/docker-reference.ts";

const hex = "0123456789abcdef".repeat(4);
const at = `@sha256:${hex}`;
const other = `@sha256:${"f".repeat(64)}`;
const one = "h.example:5000/ns/one";

type Row = readonly [intended: string | undefined, claimed: string | undefined, matches: boolean];

/** Rows C of specs/signing.md 6.3, and every pair of forms. */
function check(match: SignedIdentity, rows: readonly Row[]): void {
  for (const [intended, claimed, matches] of rows) {
    const reference = intended === undefined ? undefined : parseDockerReference(intended);
    const what = `${match.type} ${intended} ${claimed}`;
    assert.equal(matchesIdentity(match, reference, claimed), matches, what);
  }
}

test("nothing that does not parse, and nothing at all, matches anything", () => {
  const matchers: readonly SignedIdentity[] = [
    { type: "matchExact" },
    { type: "matchRepoDigestOrExact" },
    { type: "matchRepository" },
    { type: "exactReference", dockerReference: `${one}:v1` },
    { type: "exactRepository", dockerRepository: one },
    { type: "remapIdentity", prefix: one, signedPrefix: one },
  ];
  const claims = [
    undefined,
    "",
    "h.example:5000/NS/one:v1",
    `docker://${one}:v1`,
    `${one}:v1 `,
    ` ${one}:v1`,
    hex,
    `${one}:`,
    `${one}@sha256:abc`,
    `${one}:v1\u0000`,
    `${one}:v1\n`,
    `H.example:5000/ns/one:v1`,
    `h.example/ns/one:v1`,
    `h.example:5001/ns/one:v1`,
    "ns/one:v1",
  ];
  for (const match of matchers) {
    check(
      match,
      claims.map((claimed) => [`${one}:v1`, claimed, false]),
    );
    check(
      match,
      claims.map((claimed) => [`${one}${at}`, claimed, false]),
    );
  }
});

test("matchExact wants the very same name with tag or digest", () => {
  check({ type: "matchExact" }, [
    [`${one}:v1`, `${one}:v1`, true],
    [`${one}:v1`, `${one}:v2`, false],
    [`${one}:v1`, one, false],
    [one, one, false],
    [one, `${one}:v1`, false],
    [`${one}:v1`, `${one}${at}`, false],
    [`${one}${at}`, `${one}:v1`, false],
    [`${one}${at}`, `${one}${at}`, true],
    [`${one}${at}`, `${one}${other}`, false],
    [`${one}:v1${at}`, `${one}:v1${at}`, true],
    [`${one}:v1${at}`, `${one}:v1`, false],
    [`${one}:v1`, `${one}:v1${at}`, false],
    ["busybox:latest", "docker.io/library/busybox:latest", true],
    ["docker.io/library/busybox:latest", "index.docker.io/library/busybox:latest", true],
    [undefined, `${one}:v1`, false],
  ]);
});

test("matchRepoDigestOrExact takes any tag of the repository where a digest was asked for", () => {
  check({ type: "matchRepoDigestOrExact" }, [
    [`${one}:v1`, `${one}:v1`, true],
    [`${one}:v1`, `${one}:v2`, false],
    [`${one}:v1`, one, false],
    [`${one}:v1`, `${one}${at}`, false],
    [`${one}:v1`, `${one}:v1${at}`, false],
    [`${one}${at}`, `${one}:anything`, true],
    [`${one}${at}`, `${one}${at}`, true],
    [`${one}${at}`, `${one}${other}`, true],
    [`${one}${at}`, `${one}:v1${other}`, true],
    [`${one}${at}`, one, false],
    [`${one}${at}`, "h.example:5000/ns/two:v1", false],
    [`${one}${at}`, "h.example:5000/ns:v1", false],
    [`${one}:v1${at}`, `${one}:v1${at}`, true],
    [`${one}:v1${at}`, `${one}:v1`, false],
    [one, `${one}:v1`, false],
    ["localhost:5000/a:1", "127.0.0.1:5000/a:1", false],
    [undefined, `${one}:v1`, false],
  ]);
});

test("matchRepository takes every name of the repository", () => {
  check({ type: "matchRepository" }, [
    [`${one}:v1`, `${one}:v2`, true],
    [`${one}:v1`, one, true],
    [`${one}:v1`, `${one}${at}`, true],
    [one, one, true],
    [`${one}:v1`, "h.example:5000/ns/one2:v1", false],
    [`${one}:v1`, "h.example:5000/ns:v1", false],
    [`${one}:v1`, "h.example:5000/ns/one/sub:v1", false],
    [undefined, one, false],
  ]);
});

test("exactReference and exactRepository ask for the policy's name, whatever the image's", () => {
  check({ type: "exactReference", dockerReference: "busybox:1" }, [
    [undefined, "docker.io/library/busybox:1", true],
    [`${one}:v1`, "busybox:1", true],
    [`${one}:v1`, "busybox:2", false],
    [`${one}:v1`, "busybox", false],
    [`${one}:v1`, `busybox:1${at}`, false],
    ["busybox:1", `${one}:v1`, false],
  ]);
  check({ type: "exactReference", dockerReference: "busybox" }, [["busybox:1", "busybox", false]]);
  check({ type: "exactRepository", dockerRepository: "busybox:ignored" }, [
    [undefined, "busybox", true],
    [`${one}:v1`, "busybox:2", true],
    [`${one}:v1`, `docker.io/library/busybox${at}`, true],
    ["busybox:2", `${one}:v1`, false],
    [undefined, "docker.io/busybox2:1", false],
  ]);
});

test("remapIdentity moves a prefix that ends with a component, and then no longer takes the old name", () => {
  const remap = (prefix: string, signedPrefix: string): SignedIdentity => ({
    type: "remapIdentity",
    prefix,
    signedPrefix,
  });
  check(remap("h.example:5000", "v.example"), [
    [`${one}:v1`, "v.example/ns/one:v1", true],
    [`${one}:v1`, `${one}:v1`, false],
    [`${one}:v1`, "v.example/ns/one:v2", false],
    [`${one}${at}`, "v.example/ns/one:any", true],
    ["g.example/ns/one:v1", "g.example/ns/one:v1", true],
    ["g.example/ns/one:v1", "v.example/ns/one:v1", false],
    [undefined, "v.example/ns/one:v1", false],
  ]);
  check(remap("h.example:5000/ns", "v.example/other/ns"), [
    [`${one}:v1`, "v.example/other/ns/one:v1", true],
    ["h.example:5000/ns2/one:v1", "h.example:5000/ns2/one:v1", true],
    ["h.example:5000/ns2/one:v1", "v.example/other/ns2/one:v1", false],
  ]);
  check(remap(one, "v.example/x"), [
    [`${one}:v1`, "v.example/x:v1", true],
    [`${one}2:v1`, "v.example/x2:v1", false],
  ]);
  check(remap("h.example", "v.example"), [[`${one}:v1`, "v.example:5000/ns/one:v1", false]]);
  check(remap("h.example:5000/ns", "docker.io"), [
    [`${one}:v1`, "docker.io/one:v1", false],
    [`${one}:v1`, "docker.io/library/one:v1", false],
  ]);
  check(remap("h.example:5000/ns", "docker.io/library"), [
    [`${one}:v1`, "busybox:v1", false],
    [`${one}:v1`, "docker.io/library/one:v1", true],
  ]);
});
