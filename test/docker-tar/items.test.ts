import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { parseDockerReference } from "../../src/core/docker-reference.ts";
import { chooseItem, listNames } from "../../src/docker-tar/choose-item.ts";
import { layersOfItem, manifestOfItem } from "../../src/docker-tar/image-of-item.ts";
import { formatManifestFile, parseManifestFile } from "../../src/docker-tar/manifest-file.ts";

const item = (repoTags: readonly string[], layers: readonly string[] = []) => ({
  config: "c.json",
  repoTags,
  layers,
});
const named = (text: string) => ({ name: parseDockerReference(text) });
const parse = (text: string) => parseManifestFile(Buffer.from(text));

test("manifest.json is read as Go reads it", () => {
  assert.deepEqual(parse("null"), []);
  assert.deepEqual(parse('[{"config":"a","REPOTAGS":null,"Layers":["l"],"More":1}]'), [
    { config: "a", repoTags: [], layers: ["l"] },
  ]);
  const wrong = [
    ["{}", "json: cannot unmarshal object into Go value of type []tarfile.ManifestItem"],
    ["[{", "unexpected end of JSON input"],
    ["[] x", "invalid character 'x' after top-level value"],
    [
      '[{"Config":3}]',
      "json: cannot unmarshal number into Go struct field ManifestItem.Config of type string",
    ],
  ] as const;
  for (const [text, why] of wrong) {
    assert.throws(() => parse(text), {
      code: "docker-tar.invalid",
      message: `decoding tar manifest.json: ${why}`,
    });
  }
});

test("manifest.json is written as Go writes it", () => {
  const text = Buffer.from(formatManifestFile([item([]), item(["a:<b>"], ["x"])])).toString();
  assert.equal(
    text,
    '[{"Config":"c.json","RepoTags":[],"Layers":[]},{"Config":"c.json","RepoTags":["a:\\u003cb\\u003e"],"Layers":["x"]}]',
  );
});

test("an image is chosen by name, by position, or because there is no other", () => {
  const items = [item(["foo:x", "docker.io/library/bar:y"]), item([])];
  assert.equal(chooseItem(items, named("docker.io/library/foo:x")), items[0]);
  assert.equal(chooseItem(items, named("bar:y")), items[0]);
  assert.equal(chooseItem(items, { position: 1 }), items[1]);
  assert.equal(chooseItem(items.slice(1), {}), items[1]);
  const refused = [
    [{}, "Unexpected tar manifest.json: expected 1 item, got 2"],
    [{ position: 2 }, "Invalid source index @2, only 2 manifest items available"],
    [named("foo:z"), 'Tag "docker.io/library/foo:z" not found'],
  ] as const;
  for (const [choice, message] of refused) {
    assert.throws(() => chooseItem(items, choice), { code: "docker-tar.no-choice", message });
  }
  assert.throws(() => chooseItem([item(["FOO"])], named("foo:z")), {
    message:
      'Invalid tag "FOO" in manifest.json item @0: invalid reference format: repository name must be lowercase',
  });
});

test("names are listed as they are written, and positions of images without any", () => {
  assert.deepEqual(listNames([item(["foo:x", "b:1"]), item([])]), ["foo:x", "b:1", "@1"]);
  assert.deepEqual(listNames([]), []);
  assert.throws(() => listNames([item(["foo"])]), {
    message: 'Invalid tag "foo" (docker.io/library/foo): does not contain a tag',
  });
});

const [one, two] = [1, 2].map((number) => digestOf(Buffer.from(String(number))));
const config = (...diffIds: unknown[]) =>
  Buffer.from(JSON.stringify({ rootfs: { type: "layers", diff_ids: diffIds } }));

test("layers are matched with the config's, equal ones with the first of their files", () => {
  assert.deepEqual(layersOfItem(item([], ["./a", "x/../b", "c"]), config(one, two, one)), [
    { path: "a", diffId: one },
    { path: "b", diffId: two },
    { path: "a", diffId: one },
  ]);
  const wrong = [
    [["a"], config(one, two), "Inconsistent layer count: 1 in manifest, 2 in config"],
    [["a", "./a"], config(one, two), 'Layer tarfile "a" used for two different DiffID values'],
    [[], Buffer.from("{}"), 'Invalid image config (rootFS is not set): "c.json"'],
    [[], Buffer.from("{"), 'decoding tar config "c.json": unexpected end of JSON input'],
  ] as const;
  for (const [layers, bytes, message] of wrong) {
    assert.throws(() => layersOfItem(item([], layers), bytes), {
      code: "docker-tar.invalid",
      message,
    });
  }
  assert.throws(() => layersOfItem(item([], ["a"]), config("../../x")), {
    code: "docker-tar.invalid",
  });
});

test("the manifest is skopeo's", () => {
  const bytes = Buffer.from('{"rootfs":{"type":"layers","diff_ids":[]},"architecture":"amd64"}\n');
  assert.equal(
    Buffer.from(manifestOfItem(bytes, [])).toString(),
    '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":66,"digest":"sha256:53bdf4105aa58a7343f76330c6c7755f3c8aa18a265e7827bdf2bf038fa61b40"},"layers":[]}',
  );
});
