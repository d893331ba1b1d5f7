import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { resolveArchiveLocation } from "../../../src/transport/docker-archive/location.ts";

const digest = `sha256:${"a".repeat(64)}`;

test("a path and a name are told apart at the first colon", () => {
  const cases = [
    ["a.tar", "a.tar", undefined],
    ["a.tar:foo", "a.tar:docker.io/library/foo:latest", "foo"],
    ["/x/a.tar:h:1/n:t", "/x/a.tar:h:1/n:t", "n"],
    ["a.tar:@007", "a.tar:@7", undefined],
  ] as const;
  for (const [text, typed, path] of cases) {
    const reference = resolveArchiveLocation(text);
    const absolute = typed.startsWith("/") ? typed : `${resolve(".")}/${typed}`;
    assert.equal(reference.text, absolute);
    assert.equal(reference.typed ?? reference.text, typed);
    assert.equal(reference.docker?.path.split("/").at(-1), path);
    assert.equal(reference.policyIdentity, "");
    assert.deepEqual(reference.policyNamespaces, []);
    assert.deepEqual(resolveArchiveLocation(absolute).text, absolute);
  }
});

test("what is no archive is told in skopeo's words", () => {
  const cases = [
    ["", "docker-archive reference  isn't of the form <path>[:<reference>]"],
    ["a:", "docker-archive parsing reference: invalid reference format"],
    [
      "a:UP",
      "docker-archive parsing reference: invalid reference format: repository name must be lowercase",
    ],
    ["a:@", 'Invalid source index @: strconv.Atoi: parsing "": invalid syntax'],
    ["a:@-1", "Invalid source index @-1: must not be negative"],
    [
      `a:@${"9".repeat(20)}`,
      `Invalid source index @${"9".repeat(20)}: strconv.Atoi: parsing "${"9".repeat(20)}": value out of range`,
    ],
    [`a:foo@${digest}`, `reference does not include a tag: docker.io/library/foo@${digest}`],
    [
      `a:foo:t@${digest}`,
      `docker-archive doesn't support digest references: docker.io/library/foo:t@${digest}`,
    ],
  ] as const;
  for (const [text, message] of cases) {
    assert.throws(() => resolveArchiveLocation(text), { code: "usage.bad-reference", message });
  }
});
