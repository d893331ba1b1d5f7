import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgressBars } from "../../src/cli/progress-bars.ts";
import { JsonProgress } from "../../src/cli/progress-json.ts";
import { CopyLines } from "../../src/cli/progress-lines.ts";
import { RateMeter } from "../../src/cli/rate-meter.ts";
import { CopyTotals, formatBytes, formatSeconds, formatSummary } from "../../src/cli/summary.ts";
import type { CopyEvent } from "../../src/copy/events.ts";
import { digestOf } from "../../src/core/digest.ts";

const digest = (name: string) => digestOf(Buffer.from(name));
const [a, b, config] = [digest("a"), digest("b"), digest("config")];

const image: readonly CopyEvent[] = [
  { type: "admitted", manifest: digest("manifest") },
  { type: "signatures-reading", of: "image" },
  {
    type: "blobs-planned",
    blobs: [
      { digest: a, size: 10, positions: [0, 2] },
      { digest: b, size: 20, positions: [1] },
    ],
  },
  { type: "blob-adopted", blob: b, size: 20, how: "mounted" },
  { type: "blob-moving", blob: a, size: 10, sent: 5 },
  { type: "config-copying", config, size: 3 },
  { type: "blob-copied", blob: a, size: 10, written: 10 },
  { type: "manifest-writing", of: "image" },
];

const imageLines = [
  "Getting image source signatures",
  `Copying blob ${a}`,
  `Copying blob ${b}`,
  `Copying blob ${a}`,
  `Copying config ${config}`,
  "Writing manifest to image destination",
];

function linesOf(events: readonly CopyEvent[]): readonly string[] {
  const lines: string[] = [];
  const view = new CopyLines((line) => lines.push(line));
  for (const event of events) view.show(event);
  view.close();
  return lines;
}

test("CopyLines tells of one image in skopeo's lines, and of a layer as often as it is listed", () => {
  assert.deepEqual(linesOf(image), imageLines);
});

test("CopyLines tells of a list's images one after the other, however they interleave", () => {
  const started = (instance: number): CopyEvent => ({
    type: "instance-started",
    instance,
    manifest: digest(`image ${instance}`),
    position: instance + 1,
    count: 2,
  });
  const of = (instance: number): CopyEvent[] => [
    ...image.map((event) => ({ ...event, instance })),
    { type: "instance-copied", instance },
  ];
  const events: CopyEvent[] = [
    { type: "signatures-reading", of: "list" },
    { type: "instances-chosen", chosen: 2, held: 3 },
    started(1),
    started(0),
    ...of(1),
    ...of(0),
    { type: "manifest-writing", of: "list" },
    { type: "signatures-storing", of: "list" },
  ];
  assert.deepEqual(linesOf(events), [
    "Getting image list signatures",
    "Copying 2 images generated from 3 images in list",
    `Copying image ${digest("image 0")} (1/2)`,
    ...imageLines,
    `Copying image ${digest("image 1")} (2/2)`,
    ...imageLines,
    "Writing manifest list to image destination",
    "Storing list signatures",
  ]);
});

test("CopyLines says what there was to say when a copy breaks off", () => {
  const cut = image.slice(0, 3).map((event) => ({ ...event, instance: 1 }));
  assert.deepEqual(linesOf(cut), imageLines.slice(0, 4));
});

test("CopyTotals adds up how blobs got there", () => {
  const totals = new CopyTotals();
  for (const event of image) totals.add(event);
  assert.equal(
    formatSummary(totals, { requests: 7, retries: 1 }, 1.25),
    "Copied 2 blobs (13 B), mounted 1 blob (20 B); 7 requests, 1 retry in 1.3s",
  );
});

test("formatBytes() and formatSeconds() are short", () => {
  const sizes = [0, 999, 1000, 1536, 1024 ** 2 * 36.25, 1024 ** 4].map(formatBytes);
  assert.deepEqual(sizes, ["0 B", "999 B", "1.0 KiB", "1.5 KiB", "36.3 MiB", "1.0 TiB"]);
  const times = [0.04, 59.9, 59.99, 185, 7800].map(formatSeconds);
  assert.deepEqual(times, ["0.0s", "59.9s", "1m00s", "3m05s", "2h10m"]);
});

test("RateMeter measures the last seconds, and starts over when a count falls back", () => {
  const meter = new RateMeter();
  meter.add(0, 0);
  assert.equal(meter.rate(), undefined);
  meter.add(1000, 1000);
  assert.equal(meter.rate(), 1000);
  assert.equal(meter.secondsFor(500), 0.5);
  for (let second = 2; second < 20; second += 1) meter.add(1000 + second * 10, second * 1000);
  assert.equal(meter.rate(), 10);
  meter.add(5, 20_000);
  assert.equal(meter.rate(), undefined);
});

test("JsonProgress tells of a moving blob twice a second at most", () => {
  const lines: string[] = [];
  const view = new JsonProgress((line) => lines.push(line));
  for (let sent = 0; sent < 100; sent += 1)
    view.show({ type: "blob-moving", blob: a, size: 100, sent });
  view.show({ type: "blob-copied", blob: a, size: 100, written: 100 });
  const types = lines.map((line) => JSON.parse(line).type);
  assert.deepEqual(types, ["blob-moving", "blob-copied"]);
});

/** What a terminal of these many columns shows after all was written. */
function screenOf(writes: readonly string[]): readonly string[] {
  const lines: string[] = [];
  let row = 0;
  for (const token of writes.join("").match(/\x1b\[\d*[A-Z]|\n|\r|[^\x1b\n\r]+/g) ?? []) {
    const up = /^\x1b\[(\d+)A$/.exec(token);
    if (up) row -= Number(up[1]);
    else if (token === "\n") row += 1;
    else if (token === "\x1b[J") lines.length = row;
    else if (!token.startsWith("\x1b") && token !== "\r") lines[row] = token;
  }
  return lines;
}

test("ProgressBars leaves what was done on the screen, and no bar", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const writes: string[] = [];
  const view = new ProgressBars((text) => writes.push(text), { columns: () => 60 });
  for (const event of image) {
    view.show(event);
    t.mock.timers.tick(100);
  }
  view.close();
  const short = (name: string) => digest(name).slice(7, 19);
  assert.deepEqual(screenOf(writes), [
    "Getting image source signatures",
    `Copying blob ${short("b")} done   mounted`,
    `Copying config ${short("config")} done   3 B`,
    `Copying blob ${short("a")} done   10 B`,
    "Writing manifest to image destination",
  ]);
  for (const write of writes)
    for (const line of write.split("\n"))
      assert.ok(line.replace(/\x1b\[\d*[A-Z]|\r/g, "").length < 60);
});

test("ProgressBars says of a list what CopyLines does, an image after the other", () => {
  const events: CopyEvent[] = [
    { type: "signatures-reading", of: "list" },
    { type: "instances-chosen", chosen: 2, held: 3 },
    ...[1, 0].flatMap((instance): CopyEvent[] => [
      { type: "instance-started", instance, manifest: a, position: instance + 1, count: 2 },
      { type: "signatures-reading", instance, of: "image" },
      { type: "blob-copied", instance, blob: b, size: 20, written: 20 },
      { type: "manifest-writing", instance, of: "image" },
      { type: "instance-copied", instance },
    ]),
    { type: "manifest-writing", of: "list" },
    { type: "signatures-storing", of: "list" },
  ];
  const writes: string[] = [];
  const view = new ProgressBars((text) => writes.push(text), { columns: () => 80 });
  for (const event of events) view.show(event);
  view.close();
  const imageOf = (position: number) => [
    `Copying image ${a} (${position}/2)`,
    "Getting image source signatures",
    `Copying blob ${digest("b").slice(7, 19)} done   20 B`,
    "Writing manifest to image destination",
  ];
  assert.deepEqual(screenOf(writes), [
    "Getting image list signatures",
    "Copying 2 images generated from 3 images in list",
    ...imageOf(1),
    ...imageOf(2),
    "Writing manifest list to image destination",
    "Storing list signatures",
  ]);
});

test("ProgressBars repaints ten times a second at most, and with many blobs shows some", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const writes: string[] = [];
  const view = new ProgressBars((text) => writes.push(text), { columns: () => 80 });
  const blobs = Array.from({ length: 50 }, (_, index) => ({
    digest: digest(`${index}`),
    size: 100,
    positions: [index],
  }));
  view.show({ type: "blobs-planned", blobs });
  for (const { digest: blob } of blobs)
    view.show({ type: "blob-moving", blob, size: 100, sent: 50 });
  assert.equal(writes.length, 0);
  t.mock.timers.tick(100);
  assert.equal(writes.length, 1);
  const screen = screenOf(writes);
  assert.equal(screen.length, 12);
  assert.match(screen[0] ?? "", /\[=+>-+\] 50 B \/ 100 B$/);
  assert.equal(screen[10], "… and 40 more");
  assert.match(screen[11] ?? "", /^0\/50 blobs {2}2\.4 KiB \/ 4\.9 KiB/);
});
