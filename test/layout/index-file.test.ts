import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chooseEntry,
  hintAtEntries,
  nameOf,
  putEntry,
  removeEntry,
} from "../../src/layout/entries.ts";
import {
  emptyIndex,
  formatLayoutIndex,
  type LayoutIndex,
  newEntry,
  parseLayoutIndex,
} from "../../src/layout/index-file.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
const dockerType = "application/vnd.docker.distribution.manifest.v2+json";
const [a, b] = ["a", "b"].map((letter) => `sha256:${letter.repeat(64)}`);
assert.ok(a && b);

function parse(text: string): LayoutIndex {
  return parseLayoutIndex(Buffer.from(text));
}

function format(index: LayoutIndex): string {
  return Buffer.from(formatLayoutIndex(index)).toString();
}

/** Entries as `digest's letter[:name]`, in order. */
function shortly(index: LayoutIndex): string {
  return (index.manifests ?? [])
    .map((entry) => `${entry.digest.at(-1)}${nameOf(entry) && `:${nameOf(entry)}`}`)
    .join(" ");
}

function indexOf(text: string): LayoutIndex {
  const entries = text.split(" ").filter((each) => each !== "");
  const manifests = entries.map((each) => {
    const [letter = "", ...name] = each.split(":");
    const entry = newEntry(manifestType, `sha256:${letter.repeat(64)}`, 1);
    const annotations = new Map(name.map((value) => ["org.opencontainers.image.ref.name", value]));
    return { ...entry, annotations };
  });
  return { ...emptyIndex, manifests };
}

test("putEntry() puts entries where skopeo 1.22 does", () => {
  const table: readonly [before: string, entry: string, after: string][] = [
    ["", "a", "a"],
    ["", "a:x", "a:x"],
    ["a", "a:x", "a:x"], // a nameless one gets the name
    ["a:x", "a", "a:x a"],
    ["a:x", "a:y", "a:x a:y"],
    ["a:x a:y", "b:x", "a a:y b:x"], // the name moves; the older entry keeps its place
    ["a:x b", "b:x", "a b:x"],
    ["a:x b:y", "a:x", "a:x b:y"],
    ["a:x b:y a:x", "b:x", "a b:y a:x b:x"], // only the first of a name loses it
    ["a:x a:x", "a:x", "a:x a:x"],
    ["a b:x", "a", "a b:x"],
  ];
  for (const [before, added, after] of table) {
    const [entry] = indexOf(added).manifests ?? [];
    assert.ok(entry);
    const bare = newEntry(entry.mediaType, entry.digest, 1);
    const name = nameOf(entry) === "" ? undefined : nameOf(entry);
    assert.equal(shortly(putEntry(indexOf(before), bare, name)), after, `${before} + ${added}`);
  }
});

test("formatLayoutIndex() writes what skopeo 1.22 wrote", () => {
  const first = putEntry(emptyIndex, newEntry(manifestType, a, 422), "x");
  assert.equal(
    format(first),
    `{"schemaVersion":2,"mediaType":"${indexType}","manifests":[{"mediaType":"${manifestType}","digest":"${a}","size":422,"annotations":{"org.opencontainers.image.ref.name":"x"}}]}`,
  );
  assert.equal(
    format(putEntry(first, newEntry(dockerType, b, 427), "x")),
    `{"schemaVersion":2,"mediaType":"${indexType}","manifests":[{"mediaType":"${manifestType}","digest":"${a}","size":422},{"mediaType":"${dockerType}","digest":"${b}","size":427,"annotations":{"org.opencontainers.image.ref.name":"x"}}]}`,
  );
  assert.equal(
    format(removeEntry(first, 0)),
    `{"schemaVersion":2,"mediaType":"${indexType}","manifests":[]}`,
  );
});

test("parseLayoutIndex() and formatLayoutIndex() keep and lose what skopeo 1.22 keeps and loses", () => {
  const read =
    parse(`{"foo":1,"schemaVersion":2,"annotations":{"z<":"&","b":"\\u2028é"},"manifests":[
 {"x":1,"mediaType":"${manifestType}","digest":"${a}","size":422,"urls":[],"data":"aGk=","artifactType":"t/t","platform":{"os":"linux","architecture":"amd64","os.features":["a"],"features":["x"],"variant":"v1"},"annotations":{"org.opencontainers.image.ref.name":"latest","k":"v"}},
 {"mediaType":"weird","digest":"sha1:xx","size":1,"annotations":{}},
 {"MEDIATYPE":"${manifestType}","digest":"${b}","size":9007199254740993}
 ]} trailing garbage`);
  assert.equal(
    format(read),
    `{"schemaVersion":2,"manifests":[{"mediaType":"${manifestType}","digest":"${a}","size":422,"annotations":{"k":"v","org.opencontainers.image.ref.name":"latest"},"data":"aGk=","platform":{"architecture":"amd64","os":"linux","os.features":["a"],"variant":"v1"},"artifactType":"t/t"},{"mediaType":"weird","digest":"sha1:xx","size":1},{"mediaType":"${manifestType}","digest":"${b}","size":9007199254740993}],"annotations":{"b":"\\u2028é","z\\u003c":"\\u0026"}}`,
  );
});

function mistyped(what: string, field: string, type: string): string {
  return `json: cannot unmarshal ${what} into Go struct field ${field} of type ${type}`;
}

test("parseLayoutIndex() refuses what is no index.json, in Go's words", () => {
  const table: readonly [text: string, message: string][] = [
    ["", "EOF"],
    [" \n", "EOF"],
    ["{", "unexpected EOF"],
    ['{"manifests":[{"a":"]}"}', "unexpected EOF"],
    ["x", "invalid character 'x' looking for beginning of value"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ["[]", "json: cannot unmarshal array into Go value of type v1.Index"],
    ['{"schemaVersion":"2"}', mistyped("string", "Index.Versioned.schemaVersion", "int")],
    ['{"manifests":{}}', mistyped("object", "Index.manifests", "[]v1.Descriptor")],
    ['{"manifests":[5]}', mistyped("number", "Index.manifests", "v1.Descriptor")],
    ['{"manifests":[{"size":"x"}]}', mistyped("string", "Descriptor.manifests.size", "int64")],
    ['{"manifests":[{"size":1.5}]}', mistyped("number 1.5", "Descriptor.manifests.size", "int64")],
    [
      '{"manifests":[{"digest":5}]}',
      mistyped("number", "Descriptor.manifests.digest", "digest.Digest"),
    ],
    ['{"annotations":5}', mistyped("number", "Index.annotations", "map[string]string")],
    [
      '{"manifests":[{"annotations":{"a":5}}]}',
      mistyped("number", "Descriptor.manifests.annotations", "string"),
    ],
  ];
  for (const [text, message] of table) {
    assert.throws(() => parse(text), { code: "layout.invalid", message }, text);
  }
  assert.throws(() => parse('{"manifests":[{"data":"!!"}]}'), { code: "layout.invalid" });
});

test("chooseEntry() finds by name, by position, or the only one", () => {
  const index = indexOf("a:x b b:y");
  assert.equal(chooseEntry(index, { name: "x" })?.position, 0);
  assert.equal(chooseEntry(index, { name: "y" })?.position, 2);
  assert.equal(chooseEntry(index, { position: 2 })?.position, 2);
  assert.equal(chooseEntry(indexOf("b"), {})?.position, 0);
  assert.equal(chooseEntry(index, { name: "nope" }), undefined);
});

test("hintAtEntries() names what there is to choose from", () => {
  assert.equal(hintAtEntries(indexOf("a:x b a:y/z")), "Add one of :x, :@1, :y/z to the path");
  const many = hintAtEntries(indexOf("a ".repeat(12)));
  assert.ok(many.includes(":@9, …") && !many.includes(":@10"));
  assert.match(hintAtEntries(indexOf("")), /holds none/);
});

test("chooseEntry() says why a choice is none, in skopeo's words", () => {
  const weird = parse(
    `{"manifests":[{"mediaType":"x/y","digest":"d","annotations":{"org.opencontainers.image.ref.name":"w"}}]}`,
  );
  const table: readonly [index: LayoutIndex, choice: object, message: string][] = [
    [indexOf("a b"), {}, "more than one image in oci, choose an image"],
    [indexOf(""), {}, "more than one image in oci, choose an image"],
    [indexOf("a b"), { position: 9 }, "index 9 is too large, only 2 entries available"],
    [weird, { name: "w" }, 'reference "w" matches unsupported manifest MIME types ["x/y"]'],
  ];
  for (const [index, choice, message] of table) {
    assert.throws(() => chooseEntry(index, choice), { code: "layout.unsupported", message });
  }
});
