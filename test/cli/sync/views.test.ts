import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { LiveRegion } from "../../../src/cli/live-region.ts";
import type { Log } from "../../../src/cli/log.ts";
import { JsonView } from "../../../src/cli/sync/json-view.ts";
import { PlainView } from "../../../src/cli/sync/plain-view.ts";
import { TableView } from "../../../src/cli/sync/table-view.ts";
import type { SyncEnd } from "../../../src/cli/sync/view.ts";
import { digestOf } from "../../../src/core/digest.ts";
import type { ImageReference } from "../../../src/core/image-reference.ts";
import type { SyncEvent, SyncItem, SyncOutcome, SyncSummary } from "../../../src/sync/events.ts";

const digest = digestOf(Buffer.from("manifest"));
const reference = (text: string) => ({ transport: "docker", text }) as ImageReference;

function item(number: number, name = `//r.example/team/app:v${number}`): SyncItem {
  return {
    number,
    rule: "all",
    from: reference(name),
    to: reference(`//m.example/app:v${number}`),
  };
}

function ended(number: number, outcome: SyncOutcome): SyncEvent {
  const figures = { bytesMoved: 2048, bytesSpared: 0, ms: 1200, retries: 0 };
  return { type: "image-ended", item: item(number), outcome, figures };
}

const failed: SyncOutcome = { type: "failed", code: "x", message: "unauthorized", refused: false };

const events: readonly SyncEvent[] = [
  { type: "listed", rule: "all", what: "r.example/team/app", found: 9, taken: 6 },
  { type: "listed", rule: "all", what: "r.example", found: 5, taken: 5, of: "repositories" },
  { type: "nothing-taken", rule: "c", why: "r.example/x has no images" },
  { type: "image-started", item: item(1) },
  ended(1, { type: "copied", digest }),
  ended(2, { type: "copied", digest, previous: digestOf(Buffer.from("old")) }),
  ended(3, { type: "unchanged", digest }),
  ended(4, { type: "left", why: "if-absent" }),
  ended(5, failed),
  ended(6, { ...failed, refused: true }),
  {
    type: "listing-failed",
    rule: "b",
    what: "r.example/nope",
    code: "x",
    message: "name unknown",
    retryable: false,
  },
  { type: "pruned", rule: "all", reference: reference("//m.example/app:old"), dryRun: false },
  { type: "prune-refused", rule: "all", repository: "m.example/app", would: 40, of: 50 },
  { type: "prune-failed", rule: "all", code: "x", message: "denied", retryable: false },
];

const summary: SyncSummary = {
  images: 6,
  copied: 2,
  unchanged: 1,
  left: 1,
  failed: 2,
  stopped: 0,
  companions: 0,
  pruned: 1,
  failedRules: 3,
  bytesMoved: 4096,
  bytesSpared: 0,
  ms: 3000,
  prunable: 3,
  imageRetries: 1,
};
const end: SyncEnd = {
  summary,
  traffic: { requests: 20, retries: 1 },
  isDryRun: false,
  failures: [],
};
const lastLine =
  "6 images: 2 copied, 1 unchanged, 1 left as they are, 2 failed, 1 removed, 3 would be removed, " +
  "3 listings or removals failed; " +
  "4.0 KiB moved; 20 requests, 1 retry in 3.0s";

const warning = "c gives nothing to mirror: r.example/x has no images";
const failures = [
  "Cannot copy docker://r.example/team/app:v5: unauthorized",
  "Refused docker://r.example/team/app:v6: unauthorized",
  "Cannot list r.example/nope: name unknown",
  "Removed nothing of m.example/app: 40 of its 50 tags would go",
  "Cannot remove what all does not give any more: denied",
];

async function plain(quiet: boolean): Promise<{ out: string[]; err: string[] }> {
  const [out, err]: [string[], string[]] = [[], []];
  const note = (text: string) => void err.push(text);
  const log = { error: note, warning: note } as unknown as Log;
  const write = async (lines: string) => void out.push(...lines.trimEnd().split("\n"));
  const view = new PlainView({ write, log, quiet });
  for (const event of events) view.note(event);
  await view.close(end);
  return { out, err };
}

suite("PlainView", () => {
  test("says in a line how it went with each image, and sums up", async () => {
    assert.deepEqual(await plain(false), {
      out: [
        "Took 6 of 9 tags of r.example/team/app",
        "Found 5 repositories of r.example",
        "Copied docker://r.example/team/app:v1 to docker://m.example/app:v1 (2.0 KiB in 1.2s)",
        "Updated docker://m.example/app:v2 from docker://r.example/team/app:v2 (2.0 KiB in 1.2s)",
        "Unchanged docker://m.example/app:v3",
        "Left docker://m.example/app:v4 as it is: it is there",
        "Removed docker://m.example/app:old",
        lastLine,
      ],
      err: [warning, ...failures],
    });
  });

  test("says what went wrong, and nothing else, where it is to be quiet", async () => {
    assert.deepEqual(await plain(true), { out: [], err: [warning, ...failures] });
  });
});

/** What a terminal shows that is given the text: lines, from the first. */
function screen(text: string): readonly string[] {
  const lines = [""];
  let row = 0;
  for (const [piece] of text.matchAll(/\x1b\[(\d*)([A-Za-z])|\n|\r|[^\x1b\n\r]+/g)) {
    const [, number, command] = /^\x1b\[(\d*)([A-Za-z])$/.exec(piece) ?? [];
    if (command === "A") row -= Number(number);
    else if (command === "J") lines.length = row + 1;
    else if (piece === "\n") lines[++row] ??= "";
    else if (command === undefined && piece !== "\r") lines[row] = piece;
    if (command === "J") lines[row] = "";
  }
  return lines;
}

suite("TableView", () => {
  test("leaves what was done, what went wrong and the sum", async () => {
    let text = "";
    const terminal = { columns: () => 80, rows: () => 24 };
    const write = async (more: string) => {
      text += more;
    };
    const view = new TableView({ write, terminal, isColoured: false });
    for (const event of events) view.note(event, event.type === "pruned" ? "do this" : undefined);
    await view.close(end);
    assert.deepEqual(screen(text), [
      warning,
      "Copied docker://r.example/team/app:v1 to docker://m.example/app:v1 (2.0 KiB in 1.2s)",
      "Updated docker://m.example/app:v2 from docker://r.example/team/app:v2 (2.0 KiB in 1.2s)",
      "Left docker://m.example/app:v4 as it is: it is there",
      ...failures.slice(0, 3),
      "Removed docker://m.example/app:old",
      "hint:  do this",
      ...failures.slice(3),
      lastLine,
      "",
    ]);
  });
});

suite("LiveRegion", () => {
  test("paints its lines in place, below what is done", () => {
    let text = "";
    const region = new LiveRegion((more) => (text += more), { columns: () => 40 });
    region.paint([], ["one", "two"]);
    region.paint(["done"], ["two and more"]);
    region.paint(["all done"], []);
    assert.deepEqual(screen(text), ["done", "all done", ""]);
  });

  test("goes up by as many rows as its lines take in a terminal that was made narrower", () => {
    let [text, columns] = ["", 80];
    const region = new LiveRegion((more) => (text = more), { columns: () => columns });
    region.paint([], ["a".repeat(70), `\x1b[1m${"b".repeat(20)}\x1b[0m`]);
    columns = 30;
    region.paint([], ["c".repeat(70)]);
    assert.ok(text.startsWith("\x1b[4A\r"), JSON.stringify(text)); // 3 rows and 1
    assert.ok(text.includes(`${"c".repeat(29)}\x1b[K\n`));
  });
});

test("JsonView names images, and ends with the numbers", async () => {
  const lines: string[] = [];
  const view = new JsonView((line) => lines.push(line));
  view.note(ended(1, { type: "copied", digest }));
  await view.close(end);
  const [image, last] = lines.map((line) => JSON.parse(line));
  assert.equal(image.item.from, "docker://r.example/team/app:v1");
  assert.equal(image.outcome.digest, digest);
  assert.equal(last.type, "summary");
  assert.equal(last.requests, 20);
});
