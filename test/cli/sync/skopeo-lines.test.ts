import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Log } from "../../../src/cli/log.ts";
import type { ResolvedImage } from "../../../src/cli/parts.ts";
import type { PlannedCopy } from "../../../src/cli/sync/plan-copies.ts";
import { SkopeoLines } from "../../../src/cli/sync/skopeo-lines.ts";
import { digestOf } from "../../../src/core/digest.ts";
import type { ImageReference } from "../../../src/core/image-reference.ts";
import type { SyncEvent, SyncItem, SyncOutcome } from "../../../src/sync/events.ts";

const digest = digestOf(Buffer.from("manifest"));
const figures = { bytesMoved: 0, bytesSpared: 0, ms: 1, retries: 0 };

interface Told {
  /** Images that something is still to be told of. */
  readonly untold: number;
  readonly view: SkopeoLines;
  readonly lines: string[];
  readonly item: (number: number) => SyncItem;
}

function told(count: number, options: { keepGoing?: boolean; twinOf?: number } = {}): Told {
  const lines: string[] = [];
  const copies: PlannedCopy[] = [];
  const turn = (n: number) => ({ number: n - 1, position: n, of: count });
  const apart = options.twinOf === undefined ? count : count - 1;
  for (let n = 1; n <= apart; n++) {
    const reference = { transport: "docker", text: `//r/a:v${n}` } as ImageReference;
    copies.push({
      from: { reference } as ResolvedImage,
      shown: { from: `from${n}`, to: `to${n}` },
      to: `docker://to${n}`,
      ...turn(n),
      read: undefined,
      twins: n === options.twinOf ? [turn(count)] : [],
    });
  }
  const log = {
    info: (text: string, { from, to }: Record<string, string>) =>
      lines.push(`${text} ${from} ${to}`),
    warning: (text: string) => lines.push(text),
    error: (text: string, { error }: Record<string, string>) => lines.push(`${text}: ${error}`),
  } as unknown as Log;
  const run = { untold: apart };
  const view = new SkopeoLines({
    log,
    write: (line) => lines.push(line),
    told: () => run.untold--,
    arrived: ({ shown }) => lines.push(`arrived ${shown.to}`),
    failed: ({ shown }) => lines.push(`ended by ${shown.from}`),
    keepGoing: options.keepGoing ?? false,
    removesSignatures: false,
  });
  for (const copy of copies) view.expect(copy);
  const item = (number: number) =>
    ({ number, from: copies[number - 1]?.from.reference }) as unknown as SyncItem;
  return Object.assign(run, { view, lines, item });
}

const copied: SyncOutcome = { type: "copied", digest };
const failed: SyncOutcome = { type: "failed", code: "x", message: "no", refused: false };

function end({ view, item }: Told, number: number, outcome: SyncOutcome): void {
  view.note({ type: "image-ended", item: item(number), outcome, figures });
}

function start({ view, item }: Told, number: number): void {
  view.note({ type: "image-started", item: item(number) });
  const event: SyncEvent = {
    type: "image-event",
    item: item(number),
    event: { type: "manifest-writing", of: "image" },
  };
  view.note(event);
}

const writing = "Writing manifest to image destination";

suite("SkopeoLines", () => {
  test("tells of images one after the other, however they end", () => {
    const run = told(3);
    for (const number of [2, 3, 1]) start(run, number);
    end(run, 3, copied);
    end(run, 1, copied);
    assert.deepEqual(run.lines.slice(-2), ["Copying image ref 2/3 from2 to2", writing]);
    assert.equal(run.untold, 2);
    end(run, 2, copied);
    assert.deepEqual(run.lines, [
      "Copying image ref 1/3 from1 to1",
      writing,
      "arrived to1",
      "Copying image ref 2/3 from2 to2",
      writing,
      "arrived to2",
      "Copying image ref 3/3 from3 to3",
      writing,
      "arrived to3",
    ]);
    assert.equal(run.untold, 0);
    assert.equal(run.view.synced, 3);
  });

  test("does not tell of what comes behind a failure that ends the run", () => {
    const run = told(3);
    for (const number of [1, 2, 3]) start(run, number);
    end(run, 3, copied);
    end(run, 2, failed);
    assert.deepEqual(run.lines, ["Copying image ref 1/3 from1 to1", writing]);
    end(run, 1, copied);
    assert.deepEqual(run.lines.slice(2), [
      "arrived to1",
      "Copying image ref 2/3 from2 to2",
      writing,
      "ended by from2",
    ]);
    assert.equal(run.view.synced, 1);
  });

  test("tells of failures, and goes on where that is asked for", () => {
    const run = told(2, { keepGoing: true });
    start(run, 1);
    end(run, 1, failed);
    start(run, 2);
    end(run, 2, copied);
    assert.deepEqual(run.lines.slice(2), [
      'Error copying ref "from1": no',
      "Copying image ref 2/2 from2 to2",
      writing,
      "arrived to2",
    ]);
  });

  test("tells of the same copy asked for again as of an image that is there", () => {
    const run = told(2, { twinOf: 1 });
    start(run, 1);
    end(run, 1, copied);
    assert.deepEqual(run.lines.slice(3), [
      "Copying image ref 2/2 from1 to1",
      "Getting image source signatures",
      "Skipping: image already present at destination",
      "arrived to1",
    ]);
  });

  test("tells when an image is tried again", () => {
    const run = told(1);
    const { view, lines, item } = run;
    start(run, 1);
    const message = "connection refused";
    view.note({ type: "image-retrying", item: item(1), attempt: 1, of: 3, delayMs: 1500, message });
    assert.equal(lines.at(-1), "Failed, retrying in 1.5s ... (1/3). Error: connection refused");
  });
});
