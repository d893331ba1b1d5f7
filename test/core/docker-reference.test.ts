import assert from "node:assert/strict";
import { test } from "node:test";
import {
  familiarReference,
  formatDockerReference,
  parseCanonicalReference,
  parseDockerReference,
  repositoryName,
  withLatest,
} from "../../src/core/docker-reference.ts";
import { UsageError } from "../../src/core/errors.ts";
import { assertLinear } from "../support/effort.ts";

const a64 = "a".repeat(64);
const sha256 = `sha256:${a64}`;
const long = "a/".repeat(130);

const accepted: readonly (readonly [text: string, printed: string, familiar: string])[] = [
  ["alpine", "docker.io/library/alpine", "alpine"],
  ["alpine:3", "docker.io/library/alpine:3", "alpine:3"],
  ["acme/web", "docker.io/acme/web", "acme/web"],
  ["index.docker.io/alpine", "docker.io/library/alpine", "alpine"],
  ["docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"],
  ["docker.io", "docker.io/library/docker.io", "docker.io"],
  ["localhost", "docker.io/library/localhost", "localhost"],
  ["localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"],
  ["localhost/x", "localhost/x", "localhost/x"],
  ["localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x:y"],
  ["UPPER.com/x:T", "UPPER.com/x:T", "UPPER.com/x:T"],
  ["a----b", "docker.io/library/a----b", "a----b"],
  ["a__b/c.d_e", "docker.io/a__b/c.d_e", "a__b/c.d_e"],
  [`x@${sha256}`, `docker.io/library/x@${sha256}`, `x@${sha256}`],
  [`x:t@${sha256}`, `docker.io/library/x:t@${sha256}`, `x:t@${sha256}`],
  [`x@sha384:${"a".repeat(96)}`, `docker.io/library/x@sha384:${"a".repeat(96)}`, ""],
  [`x@sha512:${"a".repeat(128)}`, `docker.io/library/x@sha512:${"a".repeat(128)}`, ""],
  [`${a64}:t`, `docker.io/library/${a64}:t`, ""],
  [`docker.io/${a64}`, `docker.io/library/${a64}`, ""],
  [`x:${"t".repeat(128)}`, `docker.io/library/x:${"t".repeat(128)}`, ""],
  [`q.io/${"a".repeat(250)}`, `q.io/${"a".repeat(250)}`, ""],
];

for (const [text, printed, familiar] of accepted) {
  test(`parseDockerReference() reads ${text.slice(0, 60)}`, () => {
    const reference = parseDockerReference(text);
    assert.equal(formatDockerReference(reference), printed);
    assert.deepEqual(parseCanonicalReference(printed), reference);
    if (familiar !== "") assert.equal(familiarReference(reference), familiar);
  });
}

const plain = "invalid reference format";
const lowercase = "invalid reference format: repository name must be lowercase";
const tooLong = "repository name must not be more than 255 characters";

// The texts are skopeo 1.22's own.
const refused: readonly (readonly [text: string, message: string])[] = [
  ["", plain],
  ["a:b:c", plain],
  ["Foo", lowercase],
  ["foo.com/Bar:tag", lowercase],
  ["Foo/bar", lowercase],
  ["foo/É", lowercase],
  ["foo/é", plain],
  ["foo:tÉ", plain],
  [`foo@SHA256:${a64}`, lowercase],
  [`foo:t@SHA256:${a64}`, "invalid checksum digest format"],
  [a64, `invalid repository name (${a64}), cannot specify 64-byte hexadecimal strings`],
  [`${long}b`, tooLong],
  [`localhost:5000/${long}b`, tooLong],
  [`q.io/${"a".repeat(251)}`, tooLong],
  [`docker.io/${"a".repeat(100_000)}`, plain],
  ["foo@sha256:aa", plain],
  [`foo@sha256:${"0".repeat(33)}`, "invalid checksum digest length"],
  [`foo@sha256:${"A".repeat(33)}`, "invalid checksum digest length"],
  [`foo@sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
  [`foo@sha512:${a64}`, "invalid checksum digest length"],
  [`foo@md5:${"0".repeat(32)}`, "unsupported digest algorithm"],
  ["[::1]:5000/foo", plain],
  ["foo@", plain],
  ["foo:", plain],
  [`@${sha256}`, plain],
  ["foo..bar", plain],
  ["foo_._b", plain],
  ["foo___b", plain],
  ["-a", plain],
  ["a-", plain],
  ["foo.com:port/x", plain],
  ["foo.com:/x", plain],
  ["foo.com/", plain],
  ["docker.io/", plain],
  ["/foo", plain],
  ["foo/", plain],
  ["foo//bar", plain],
  ["foo/../bar", plain],
  ["foo/%2e%2e/bar", plain],
  ["foo:tag/x", plain],
  ["foo bar", plain],
  ["foo\n", plain],
  [`foo:${"t".repeat(129)}`, plain],
  ["foo:-t", plain],
  ["x@@unknown-digest@@", plain],
];

for (const [text, message] of refused) {
  test(`parseDockerReference() refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
    assert.throws(() => parseDockerReference(text), { code: "usage.bad-reference", message });
    assert.throws(() => parseDockerReference(text), UsageError);
  });
}

test("parseCanonicalReference() refuses a short name", () => {
  for (const text of ["alpine", "docker.io/alpine", "index.docker.io/library/alpine"]) {
    assert.throws(() => parseCanonicalReference(text), {
      code: "usage.bad-reference",
      message: "repository name must be canonical",
    });
  }
});

for (const piece of ["a", "a-", "a_", "a.", "a/", "a__", "a:", "a@"]) {
  test(`parseDockerReference() takes no longer a byte for a text full of ${piece}`, () => {
    assertLinear(100_000, (count) => {
      for (const text of [`${piece.repeat(count)}!`, `h.io/${piece.repeat(count)}!`]) {
        assert.throws(() => parseDockerReference(text), { code: "usage.bad-reference" });
      }
    });
  });
}

test("withLatest() tags only what has neither tag nor digest", () => {
  const tag = (text: string) => formatDockerReference(withLatest(parseDockerReference(text)));
  assert.equal(tag("q.io/a"), "q.io/a:latest");
  assert.equal(tag("q.io/a:b"), "q.io/a:b");
  assert.equal(tag(`q.io/a@${sha256}`), `q.io/a@${sha256}`);
});

test("repositoryName() leaves out tag and digest", () => {
  assert.equal(repositoryName(parseDockerReference(`q.io:1/a/b:c@${sha256}`)), "q.io:1/a/b");
});
