import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../../src/core/errors.ts";
import type { MirrorTarget } from "../../src/sync/mirror.ts";
import {
  checkTemplate,
  completeTemplate,
  createNamer,
  literalTemplate,
  parseTemplate,
  type SourceName,
  splitPlace,
  TemplateError,
} from "../../src/sync/naming.ts";

const digest = `sha256:${"a".repeat(64)}`;
const tagged: SourceName = { domain: "quay.io", repository: "team/deep/app", tag: "1.0" };
const byDigest: SourceName = { domain: "quay.io", repository: "app", digest };

async function name(
  template: string,
  source: SourceName,
  more: Partial<MirrorTarget> = {},
): Promise<string> {
  const namer = await createNamer({ template, replace: [], suffix: "", end: "x", ...more });
  return namer(source);
}

const rows: readonly (readonly [template: string, ofTag: string, ofDigest: string])[] = [
  ["{{.Domain}} {{.Repository}}", "quay.io team/deep/app", "quay.io app"],
  ["{{.Name}}|{{.Tag}}|{{.Digest}}", "app|1.0|", `app||${digest}`],
  ["{{.Reference}}", ":1.0", `@${digest}`],
  ["{{.Image}}", "quay.io/team/deep/app:1.0", `quay.io/app@${digest}`],
  ["{{ .Base }}", "app:1.0", `app@${digest}`],
  ['{{"{{.Tag}}"}} {{ "x" }}', "{{.Tag}} x", "{{.Tag}} x"],
  ["nothing", "nothing", "nothing"],
  ["$1 {.Tag} }", "$1 {.Tag} }", "$1 {.Tag} }"],
];

test("templates are filled in", async () => {
  for (const [template, ofTag, ofDigest] of rows) {
    assert.equal(await name(template, tagged), ofTag, template);
    assert.equal(await name(template, byDigest), ofDigest, template);
  }
});

test("what has a tag and a digest is called by its tag", async () => {
  const both = { ...tagged, digest };
  assert.equal(await name("{{.Repository}}{{.Reference}}", both), "team/deep/app:1.0");
  assert.equal(await name("{{.Tag}}-{{.Digest}}", both), `1.0-${digest}`);
});

test("a template that nobody can mean is none", () => {
  for (const template of [
    "{{.Tga}}",
    "{{Tag}}",
    "{{.Tag",
    "Tag}}",
    "{{.Tag}}}}",
    "{{}}",
    '{{"a}}',
    "{{.Tag.Name}}",
    "{{.Tag | x}}",
  ])
    assert.throws(() => parseTemplate(template), TemplateError, template);
});

test("any text can stand for itself", async () => {
  for (const text of ["", "/srv/{{.Tag}}", "{{{{", "}}{{", "{{{", "a{{b}}c", '{{"x"}}'])
    assert.equal(await name(literalTemplate(text), tagged), text);
});

test("a template that gives no name of an image is told of before there is one", () => {
  for (const written of [
    "x.example/Team/",
    "x.example/a b/",
    "x.example//a",
    "x.example/{{.Tag}}/a:b:c",
    "x y/",
  ])
    assert.throws(() => checkTemplate(completeTemplate(written)), UsageError, written);
  for (const written of [
    "x.example/",
    "x.example:5000",
    "a/b:{{.Tag}}-{{.Name}}",
    "{{.Domain}}/{{.Repository}}",
    "oci:/A b/",
  ])
    checkTemplate(completeTemplate(written));
});

test("replacements are RE2's, in order, of the repository only", async () => {
  const change = (replace: MirrorTarget["replace"]) =>
    name("{{.Domain}}/{{.Repository}}:{{.Tag}} {{.Name}}", tagged, { replace, suffix: "!" });
  assert.equal(
    await change([{ pattern: "^team/(\\w+)/(?P<rest>.*)$", by: "$<rest>/$1" }]),
    "quay.io/app/deep:1.0 deep!",
  );
  assert.equal(
    await change([
      { pattern: "e", by: "$$" },
      { pattern: "\\$", by: "E" },
    ]),
    "quay.io/tEam/dEEp/app:1.0 app!",
  );
  assert.equal(
    await change([{ pattern: "/", by: "-" }]),
    "quay.io/team-deep-app:1.0 team-deep-app!",
  );
  await assert.rejects(change([{ pattern: "(", by: "" }]), { code: "usage.bad-pattern" });
});

test("what stands before a colon is a transport where there is one of that name", () => {
  assert.deepEqual(splitPlace("docker://a/b"), { transport: "docker", rest: "a/b" });
  assert.deepEqual(splitPlace("localhost:5000/a"), {
    transport: "docker",
    rest: "localhost:5000/a",
  });
  assert.deepEqual(splitPlace("oci:/a:b"), { transport: "oci", rest: "/a:b" });
  assert.deepEqual(splitPlace("docker://oci:5000/a"), { transport: "docker", rest: "oci:5000/a" });
});
