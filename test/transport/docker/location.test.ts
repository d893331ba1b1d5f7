import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDockerLocation } from "../../../src/transport/docker/location.ts";

const hex = "0".repeat(64);

const rows: readonly (readonly [text: string, settled: string, identity: string])[] = [
  ["//busybox", "//busybox:latest", "docker.io/library/busybox:latest"],
  ["//index.docker.io/library/busybox", "//busybox:latest", "docker.io/library/busybox:latest"],
  ["//host:5000/a/b:c", "//host:5000/a/b:c", "host:5000/a/b:c"],
  [
    `//host.example/a@sha256:${hex}`,
    `//host.example/a@sha256:${hex}`,
    `host.example/a@sha256:${hex}`,
  ],
  [
    `//host.example/a:t@sha256:${hex}`,
    `//host.example/a:t@sha256:${hex}`,
    `host.example/a@sha256:${hex}`,
  ],
  ["//host.example/a@@unknown-digest@@", "//host.example/a@@unknown-digest@@", ""],
];

test("parseDockerLocation() settles names, and reads back what it settled", () => {
  for (const [text, settled, identity] of rows) {
    const reference = parseDockerLocation(text, { tagAndDigest: true });
    assert.equal(reference.text, settled, text);
    assert.equal(reference.policyIdentity, identity, text);
    assert.deepEqual(parseDockerLocation(settled, { tagAndDigest: true }), reference, text);
  }
});

// The texts are skopeo's.
const refused: readonly (readonly [text: string, message: string])[] = [
  ["busybox", "docker: image reference busybox does not start with //"],
  [
    "//x:t@@unknown-digest@@",
    'docker: image reference "docker.io/library/x:t@@unknown-digest@@" has unknown digest set but it contains either a tag or digest',
  ],
  ["//Up/Case", "invalid reference format: repository name must be lowercase"],
  ["//", "invalid reference format"],
  [`//${hex}`, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
  [
    `//a:t@sha256:${hex}`,
    "Docker references with both a tag and digest are currently not supported",
  ],
];

test("parseDockerLocation() refuses what is no name, as skopeo does", () => {
  for (const [text, message] of refused) {
    assert.throws(() => parseDockerLocation(text, { tagAndDigest: false }), {
      code: "usage.bad-reference",
      message,
    });
  }
});
