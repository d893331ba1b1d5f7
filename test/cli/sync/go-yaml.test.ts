import assert from "node:assert/strict";
import { test } from "node:test";
import { readSkopeoYaml } from "../../../src/cli/sync/skopeo-yaml.ts";
import { KnownError } from "../../../src/core/errors.ts";

const full = `
r.example:5000:
  images:
    a: [v1, 1.0, yes, "sha256:x"]
    b: []
    c:
  images-by-tag-regex: { d: ^v }
  images-by-semver: { e: ">= 1" }
  credentials: { username: ann, password: 0123 }
  tls-verify: no
  cert-dir: /certs
other.example:
`;

test("readSkopeoYaml() reads every member, scalars as they are written", () => {
  assert.deepEqual(readSkopeoYaml(full, "f"), [
    {
      name: "r.example:5000",
      images: [
        ["a", ["v1", "1.0", "yes", "sha256:x"]],
        ["b", []],
        ["c", []],
      ],
      imagesByTagRegex: [["d", "^v"]],
      imagesBySemver: [["e", ">= 1"]],
      credentials: { username: "ann", password: "0123" },
      tlsVerify: false,
      certificateDirectory: "/certs",
    },
    { name: "other.example", images: [], imagesByTagRegex: [], imagesBySemver: [] },
  ]);
  assert.deepEqual(readSkopeoYaml("", "f"), []);
});

test("readSkopeoYaml() takes what is merged in, unless it is said again", () => {
  const text = "x: &x\n  tls-verify: false\n  cert-dir: /x\nh:\n  <<: *x\n  cert-dir: /h\n";
  const [, host] = readSkopeoYaml(text, "f");
  assert.equal(host?.tlsVerify, false);
  assert.equal(host?.certificateDirectory, "/h");
});

/** A text, and what Go's yaml.v3 says of it; strictly, where it is about keys. */
const bad: readonly (readonly [string, string])[] = [
  ["- h\n", "line 1: cannot unmarshal !!seq into main.sourceConfig"],
  ["a text that is long\n", "line 1: cannot unmarshal !!str `a text ...` into main.sourceConfig"],
  ["h: 3\n", "line 1: cannot unmarshal !!int `3` into main.registrySyncConfig"],
  ["h:\n  images: { a: v1 }\n", "line 2: cannot unmarshal !!str `v1` into []string"],
  ["h:\n  images: { a: [[v1]] }\n", "line 2: cannot unmarshal !!seq into string"],
  ["h:\n  images-by-semver: [1]\n", "line 2: cannot unmarshal !!seq into map[string]string"],
  ["h:\n  tls-verify: 1.5\n", "line 2: cannot unmarshal !!float `1.5` into bool"],
  ["h:\n  nope: 1\n", "line 2: field nope not found in type main.registrySyncConfig"],
  [
    "h:\n  cert-dir: a\n  cert-dir: b\n",
    'line 3: mapping key "cert-dir" already defined at line 2',
  ],
  ["h:\n  credentials: ann:secret\n", "line 2: cannot unmarshal !!str into types.DockerAuthConfig"],
];

test("readSkopeoYaml() says what does not fit, and where, and shows no secret", () => {
  for (const [text, why] of bad) {
    assert.throws(
      () => readSkopeoYaml(text, "sync.yaml"),
      (error) => {
        assert.ok(error instanceof KnownError);
        assert.equal(error.code, "cli.bad-mirror");
        assert.equal(
          error.message,
          `Failed to unmarshal "sync.yaml": yaml: unmarshal errors:\n  ${why}`,
        );
        return true;
      },
    );
  }
});

test("readSkopeoYaml() tells of everything that does not fit at once", () => {
  const text = "h:\n  a: 1\n  tls-verify: [x]\n";
  assert.throws(() => readSkopeoYaml(text, "f"), /line 2: .*\n {2}line 3: /);
  assert.throws(() => readSkopeoYaml("h: [\n", "f"), { message: /^Failed .*: yaml: line \d: / });
});

test("readSkopeoYaml() does not follow what is merged into itself, or grows without end", () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const ten = Array.from({ length: 10 }, () => `*l${level}`).join(", ");
    return `l${level + 1}: &l${level + 1}\n  <<: [${ten}]\n`;
  });
  for (const text of ["h: &h\n  <<: *h\n", `l0: &l0 {}\n${levels.join("")}`])
    assert.throws(() => readSkopeoYaml(text, "f"), { message: /excessive aliasing$/ });
});
