import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseImage,
  splitStore,
  storageReference,
} from "../../../src/transport/containers-storage/location.ts";

const id = `eed9${"0".repeat(60)}`;
const digest = `sha256:${"7".repeat(64)}`;
/** A store with one image, known by its ID and the beginnings of it. */
const find = async (text: string) => (id.startsWith(text) ? { id } : undefined);

/** The messages are skopeo 1.22's. */
const stores: readonly (readonly [text: string, expected: unknown])[] = [
  ["busybox", { store: undefined, image: "busybox" }],
  ["[/g]x", { store: { graphroot: "/g", options: [] }, image: "x" }],
  ["[overlay@/g]x", { store: { driver: "overlay", graphroot: "/g", options: [] }, image: "x" }],
  ["[/g+/r]x", { store: { graphroot: "/g", runroot: "/r", options: [] }, image: "x" }],
  ["[vfs@+/r]x", { store: { driver: "vfs", runroot: "/r", options: [] }, image: "x" }],
  [
    "[overlay@/g+/r:a=b,c]x",
    {
      store: { driver: "overlay", graphroot: "/g", runroot: "/r", options: ["a=b", "c"] },
      image: "x",
    },
  ],
  ["[/g:a]]x", { store: { graphroot: "/g", options: ["a"] }, image: "]x" }],
  ["[", "invalid reference"],
  ["[/g", "invalid reference"],
  ["[]x", "invalid reference"],
  ["[@/g]x", "invalid reference"],
  ["[overlay@]x", "invalid reference"],
  ["[g]x", "path name is not absolute"],
  ["[/g+r]x", "path name is not absolute"],
];

test("splitStore() takes apart what names a store", () => {
  for (const [text, expected] of stores) {
    if (typeof expected !== "string") assert.deepEqual(splitStore(text), expected, text);
    else assert.throws(() => splitStore(text), { code: "usage.bad-reference", message: expected });
  }
});

/** What stands behind the store: the name in full, `@` and the ID; or the message of the failure. */
const images: readonly (readonly [text: string, expected: string | { readonly fails: string }])[] =
  [
    ["busybox", "docker.io/library/busybox:latest"],
    ["example.org/a/b:1", "example.org/a/b:1"],
    [`busybox@${digest}`, `docker.io/library/busybox@${digest}`],
    [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`],
    [id, `@${id}`],
    [`@${id}`, `@${id}`],
    ["eed", `@${id}`],
    ["@eed9", `@${id}`],
    ["ee", "docker.io/library/ee:latest"],
    ["abc", "docker.io/library/abc:latest"],
    ["eed9:1", "docker.io/library/eed9:1"],
    ["busybox@eed9", `docker.io/library/busybox:latest@${id}`],
    [`busybox@${digest}@${id}`, `docker.io/library/busybox@${digest}@${id}`],
    [`@${"f".repeat(64)}`, `@${"f".repeat(64)}`],
    ["", { fails: '"" is an empty reference: invalid reference' }],
    ["@", { fails: 'empty trailing digest or ID in "@": invalid reference' }],
    ["x@", { fails: 'empty trailing digest or ID in "x@": invalid reference' }],
    ["@ee", { fails: '"ee" does not look like an image ID or digest: invalid reference' }],
    [
      "x@sha256:12",
      { fails: '"sha256:12" does not look like an image ID or digest: invalid reference' },
    ],
    ["a b", { fails: 'parsing named reference "a b": invalid reference format' }],
    [
      "UPPER",
      {
        fails:
          'parsing named reference "UPPER": invalid reference format: repository name must be lowercase',
      },
    ],
  ];

const store = { driver: "overlay", graphroot: "/g", runroot: "/r", options: [] };

test("parseImage() tells names, digests, IDs and beginnings of IDs apart", async () => {
  for (const [text, expected] of images) {
    if (typeof expected === "string") {
      const { text: found } = storageReference(store, await parseImage(text, find));
      assert.equal(found, `[overlay@/g+/r]${expected}`);
      const again = await parseImage(expected, find);
      assert.equal(storageReference(store, again).text, found, `${text}, read again`);
    } else {
      const { fails: message } = expected;
      await assert.rejects(parseImage(text, find), { code: "usage.bad-reference", message });
    }
  }
});

test("storageReference() names the store with its options, and what policies know of it", async () => {
  const image = await parseImage("example.org/a/b:1", find);
  const reference = storageReference({ ...store, options: ["a=b", "c"] }, image);
  assert.equal(reference.text, "[overlay@/g+/r:a=b,c]example.org/a/b:1");
  assert.equal(reference.policyIdentity, "[overlay@/g]example.org/a/b:1");
  assert.deepEqual(reference.policyNamespaces, [
    "[overlay@/g]example.org/a/b",
    "[overlay@/g]example.org/a",
    "[overlay@/g]example.org",
    "[overlay@/g]",
    "[/g]",
  ]);
});
