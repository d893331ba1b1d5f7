import assert from "node:assert/strict";
import { test } from "node:test";
import { humanDuration, humanSize } from "../../../src/cli/local/human.ts";
import { transportIn } from "../../../src/cli/local/image-names.ts";
import { imageReport, reportOf } from "../../../src/cli/local/image-report.ts";
import {
  cellsOf,
  type ImageRow,
  jsonOf,
  rowsOf,
  sortRows,
  tagsOrFirst,
  withNamesOfRows,
} from "../../../src/cli/local/image-rows.ts";
import type { LocalImage } from "../../../src/cli/local/local-image.ts";
import { renderRows } from "../../../src/cli/local/report-rows.ts";
import { storeSpecifier } from "../../../src/cli/local/store-choice.ts";
import { tableText } from "../../../src/cli/local/table.ts";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { parseImageConfig } from "../../../src/core/image-config.ts";
import type { ImageRecord } from "../../../src/storage/image-record.ts";

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;

// As podman 5.8 tells them.
const durations: readonly (readonly [ms: number, text: string])[] = [
  [0, "Less than a second"],
  [second, "1 second"],
  [59 * second, "59 seconds"],
  [60 * second, "About a minute"],
  [2 * 60 * second, "2 minutes"],
  [hour, "About an hour"],
  [47 * hour, "47 hours"],
  [2 * day, "2 days"],
  [14 * day, "2 weeks"],
  [60 * day, "2 months"],
  [730 * day, "2 years"],
];

test("humanDuration() tells times as podman does", () => {
  for (const [ms, text] of durations) assert.equal(humanDuration(ms), text);
});

test("humanSize() counts by thousands, to so many digits", () => {
  const sizes = [0, 999, 1000, 17344, 1_234_567, 5e9].map((bytes) => humanSize(bytes, 3).join(" "));
  assert.deepEqual(sizes, ["0 B", "999 B", "1 kB", "17.3 kB", "1.23 MB", "5 GB"]);
});

function imageOf(names: readonly string[], more: Partial<LocalImage> = {}): LocalImage {
  const digest: Digest = digestOf(Buffer.from(names.join()));
  const record = {
    id: digest.slice(7),
    digest,
    names,
    namesHistory: names,
    digests: [digest],
    area: { readOnly: false },
  } as unknown as ImageRecord;
  const isDangling = names.length === 0;
  const plain = { config: undefined, isList: false, isIntermediate: false, size: 1, created: 0 };
  return { record, isDangling, ...plain, ...more };
}

const labelled = parseImageConfig(
  Buffer.from('{"architecture":"amd64","os":"linux","config":{"Labels":{"a":"b"}},"rootfs":{}}'),
);
const pinned = `h.example/x@sha256:${"0".repeat(64)}`;
const images = [
  imageOf(["h.example/x/y:3", "localhost/foo:latest"], { created: 5 * second, config: labelled }),
  imageOf([], { created: 9 * second, size: 17344 }),
  imageOf([pinned]),
];
const options = { now: 20 * second, noTrunc: false, containersOf: () => 2 };

function shown(rows: readonly ImageRow[]): readonly string[] {
  return rows.map(({ repository, tag }) => `${repository} ${tag}`);
}

test("rowsOf() gives a row to each name, and one to an image without", () => {
  assert.deepEqual(shown(sortRows(rowsOf(images), "created")), [
    "<none> <none>",
    "h.example/x/y 3",
    "localhost/foo latest",
    "h.example/x <none>",
  ]);
  assert.throws(() => sortRows([], "colour"), { code: "usage.bad-flag" });
});

// As podman 5.8 has it for a whole name; it keeps the history.
test("withNamesOfRows() knows an image by no name that was not asked for", () => {
  const rows = rowsOf([imageOf(["h.example/x:1", "h.example/y:1", "h.example/x:2"]), imageOf([])]);
  const [row, nameless] = withNamesOfRows(rows.filter(({ name }) => name !== "h.example/y:1"))
    .filter(({ name }) => name !== "h.example/x:1")
    .map((each) => jsonOf(each, options) as Record<string, unknown>);
  assert.deepEqual(row?.["Names"], ["h.example/x:1", "h.example/x:2"]);
  assert.deepEqual(row["RepoDigests"], [`h.example/x@${row["Digest"]}`]);
  assert.equal((row["History"] as readonly string[]).length, 3);
  assert.equal(nameless?.["Names"], undefined);
});

test("tagsOrFirst() shows no digest where there is a tag, and one where there is none", () => {
  const twice = imageOf([pinned, "h.example/x:1"]);
  const other = imageOf([pinned, pinned.replace("x@", "y@")]);
  assert.deepEqual(shown(tagsOrFirst(rowsOf([twice, other]))), [
    "h.example/x 1",
    "h.example/x <none>",
  ]);
});

test("cellsOf() and jsonOf() tell what podman tells", () => {
  const [, untagged] = sortRows(rowsOf(images.slice(0, 2)), "repository");
  const [row] = rowsOf(images);
  assert.ok(row && untagged);
  const cells = cellsOf(row, options);
  assert.deepEqual(
    [cells.ID.length, cells.Created, cells.CreatedAt, cells.Size, cells.Containers],
    [12, "15 seconds ago", "1970-01-01 00:00:05 +0000 UTC", "1 B", "2"],
  );
  assert.match(cellsOf(row, { ...options, noTrunc: true }).ID, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(Object.keys(jsonOf(row, options)), [
    ...["Id", "ParentId", "RepoTags", "RepoDigests", "Size", "SharedSize", "VirtualSize"],
    ...["Labels", "Containers", "Digest", "History", "Names", "Created", "CreatedAt"],
  ]);
});

test("reportOf() gives templates what is more than text", () => {
  const rows = rowsOf(images.slice(0, 2)).map((row) => reportOf(row, options));
  const lines = renderRows(rows, {
    name: "images",
    heading: true,
    headings: {},
    type: imageReport,
    format:
      "{{.Names}} {{.Labels.a}} {{len .RepoTags}} {{.Dangling}} {{.VirtualSize}} {{.Repository}}",
  });
  const names = "[h.example/x/y:3 localhost/foo:latest] b 2 false 1";
  assert.deepEqual(lines.split("\n"), [
    `${names} h.example/x/y`,
    `${names} localhost/foo`,
    "[] <no value> 0 true 17344 <none>",
    "",
  ]);
});

test("renderRows() makes a line of each row, and a table where one is asked for", () => {
  const rows = [
    { ID: "1", Size: "17 kB" },
    { ID: "2", Size: "" },
  ];
  const report = { name: "images", heading: true, headings: { ID: "IMAGE ID", Size: "SIZE" } };
  const lines = renderRows(rows, { ...report, format: "{{.ID}}={{.Size}}" });
  assert.equal(lines, "1=17 kB\n2=\n");
  const table = renderRows(rows, { ...report, format: "table {{.ID}} {{.Size}}" });
  assert.equal(table, "IMAGE ID    SIZE\n1           17 kB\n2\n");
  const bare = renderRows(rows, { ...report, heading: false, format: "table {{.Size}}\\t{{.ID}}" });
  assert.equal(bare, "17 kB       1\n            2\n");
});

test("tableText() keeps what an image says of itself in its cell", () => {
  assert.equal(tableText([]), "");
  assert.equal(tableText([["a\tb\u001b[2J", "c"]]), "a b [2J     c\n");
});

test("storeSpecifier() says what was chosen, as references have it", () => {
  assert.equal(storeSpecifier({ options: [] }), "");
  assert.equal(storeSpecifier({ driver: "vfs", options: [] }), "[vfs@]");
  assert.equal(
    storeSpecifier({ driver: "vfs", graphroot: "/a", runroot: "/b", options: ["x=1", "y=2"] }),
    "[vfs@/a+/b:x=1,y=2]",
  );
});

test("transportIn() tells a transport from a name with a tag", () => {
  assert.equal(transportIn("oci:a"), "oci");
  assert.equal(transportIn("busybox:1"), undefined);
  assert.equal(transportIn("h:5000/dir"), undefined);
  assert.equal(transportIn("dir"), undefined);
});
