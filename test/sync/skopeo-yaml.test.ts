import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../src/config/errors.ts";
import type { CopyOptions } from "../../src/copy/options.ts";
import type { MirrorRule } from "../../src/sync/mirror.ts";
import { createNamer, type SkopeoTarget, skopeoTarget } from "../../src/sync/naming.ts";
import { type MirrorDocument, parseMirror } from "../../src/sync/parse-mirror.ts";

const platform = { os: "linux", architecture: "amd64" };
const copy: CopyOptions = {
  select: { type: "system" },
  platform,
  preserveDigests: false,
  removeSignatures: false,
  compression: { force: false },
};
const target: SkopeoTarget = {
  transport: "docker",
  destination: "to.example/hub",
  scoped: false,
  suffix: "",
  end: "destination",
};

function read(text: string): Promise<MirrorDocument> {
  return parseMirror(text, { file: "/d/s.yaml", platform, skopeo: { target, copy } });
}

/** What a rule takes, in a line. */
function shown({ name, from, tags }: MirrorRule): string {
  const chosen = [
    ...(tags.list ?? []),
    ...tags.include.map((rule) => ("pattern" in rule ? `${rule.kind} ${rule.pattern}` : rule.name)),
    ...(tags.semver === undefined ? [] : [`semver ${tags.semver}`]),
  ];
  return `${from.end} ${name} ${chosen.join(" ") || "all"}`;
}

test("every member of skopeo's file is read, in the order of the file", async () => {
  const { language, mirror, hosts } = await read(`
registry.example.com:
  images-by-semver: {alpine: ">= 3.12.0"}
  images:
    redis: ["1.0", "sha256:${"0".repeat(64)}"]
    busybox: []
    a/b:
  images-by-tag-regex:
    nginx: ^1\\.13\\.[12]-alpine-perl$
  credentials: {username: u, password: p}
  tls-verify: true
  cert-dir: certs
localhost:5000:
  images: {x: [1.10, 3]}
quay.io/team:
  images: {app: }
docker.io:
  images: {alpine: [latest]}
`);
  assert.equal(language, "skopeo");
  assert.deepEqual(mirror.rules.map(shown), [
    `registry.example.com registry.example.com/redis 1.0 sha256:${"0".repeat(64)}`,
    "registry.example.com registry.example.com/busybox all",
    "registry.example.com registry.example.com/a/b all",
    "registry.example.com registry.example.com/nginx regex ^1\\.13\\.[12]-alpine-perl$",
    "registry.example.com registry.example.com/alpine semver >= 3.12.0",
    "localhost:5000 localhost:5000/x 1.10 3",
    "quay.io/team quay.io/team/app all",
    "docker.io docker.io/library/alpine latest",
  ]);
  assert.deepEqual(hosts.get("registry.example.com"), {
    credentials: { kind: "password", username: "u", password: "p" },
    tlsVerify: true,
    certificateDirectory: "/d/certs",
    limits: {},
  });
  assert.deepEqual(hosts.get("docker.io"), { limits: {} });
});

test("truth and merges are YAML 1.1's, as Go has them", async () => {
  const { hosts } = await read(`
a.example: &common {images: {x: []}, tls-verify: no}
b.example: {<<: *common}
c.example: {<<: *common, tls-verify: on}
`);
  assert.deepEqual(
    [...hosts.values()].map(({ tlsVerify }) => tlsVerify),
    [false, false, true],
  );
});

test("what skopeo passes over in silence is wrong", async () => {
  const error = await read(`
a.example:
  image: {x: []}
  images: {Upper: [], "a:b": [], x: [a b, "sha256:12"]}
  images-by-tag-regex: {x: "("}
  images-by-semver: {x: not one}
  credentials: {username: u}
  tls-verify: maybe
`).then(
    () => assert.fail("was read"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ConfigError);
  const lines = error.message.split("\n");
  const expected = [
    /^\/d\/s\.yaml:3: \["a\.example"\]\.image: unknown member, expected one of images, /,
    /:5: .*images-by-tag-regex\.x: expected a regular expression/,
    /:7: .*credentials\.password: expected a password, found nothing/,
    /:8: .*tls-verify: expected true or false, found "maybe"/,
  ];
  for (const pattern of expected)
    assert.ok(
      lines.some((line) => pattern.test(line)),
      `${pattern}\n${error.message}`,
    );
  const names = await read(`
a.example:
  images: {Upper: [], "a:b": [], x: [a b, "sha256:12"]}
  images-by-semver: {x: not one}
`).catch((error: Error) => error.message.split("\n").map((line) => line.replace(/^.*?"\]\./, "")));
  assert.deepEqual(names, [
    "images.Upper: expected a repository (invalid reference format: repository name must be lowercase)",
    'images["a:b"]: expected a repository without a tag',
    'images.x[0]: expected a tag or a digest, found "a b"',
    'images.x[1]: expected a tag or a digest, found "sha256:12"',
    'images-by-semver.x: expected a constraint such as >= 3.18 (improper constraint: not one), found "not one"',
  ]);
});

const named: readonly (readonly [Partial<SkopeoTarget>, expected: string])[] = [
  [{}, "docker://to.example/hub/alpine:3"],
  [{ scoped: true }, "docker://to.example/hub/docker.io/library/alpine:3"],
  [{ suffix: "-x" }, "docker://to.example/hub/alpine:3-x"],
  [{ destination: "to.example" }, "docker://to.example/alpine:3"],
  [{ destination: "to.example//a/./" }, "docker://to.example/a/alpine:3"],
  [{ transport: "dir", destination: "/srv/m" }, "dir:/srv/m/alpine:3"],
  [{ transport: "dir", destination: "." }, "dir:alpine:3"],
  [{ transport: "dir", destination: "/" }, "dir:/alpine:3"],
  [{ transport: "dir", destination: "" }, "dir:alpine:3"],
  [{ transport: "dir", destination: "/{{.Tag}}/{{x" }, "dir:/{{.Tag}}/{{x/alpine:3"],
  [
    { transport: "dir", destination: "/m", scoped: true, suffix: "-x" },
    "dir:/m/docker.io/library/alpine:3-x",
  ],
];

test("skopeo's names are its own", async () => {
  const source = { domain: "docker.io", repository: "library/alpine" };
  for (const [more, expected] of named) {
    const name = await createNamer(skopeoTarget({ ...target, ...more }));
    assert.equal(name({ ...source, tag: "3" }), expected);
  }
  const name = await createNamer(skopeoTarget({ ...target, transport: "dir", destination: "/m" }));
  assert.equal(name({ ...source, digest: "sha256:ab" }), "dir:/m/alpine@sha256:ab");
});
