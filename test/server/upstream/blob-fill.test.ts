import assert from "node:assert/strict";
import { type FileHandle, open } from "node:fs/promises";
import { test } from "node:test";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import type { Digest } from "../../../src/core/digest.ts";
import type { UncheckedBytes } from "../../../src/registry/blob-download.ts";
import { BlobFill, Reading } from "../../../src/server/upstream/blob-fill.ts";
import type { CacheFill } from "../../../src/server/upstream/store.ts";
import { chunksInUse } from "../../../src/stream/blob-stream.ts";
import { tempFolder } from "../../support/temp.ts";

const chunkBytes = 100_000;
const chunks = 20;
const content = Buffer.from(
  Array.from({ length: chunkBytes * chunks }, (_, at) => (at * 31 + (at >> 9)) % 251),
);

/** Lends its chunks as connections do: each is written over when the third after it is asked for, unless it was retained. */
class LendingSource implements UncheckedBytes {
  readonly size = content.byteLength;
  retained = 0;
  poured = 0;
  #lent: Buffer[] = [];
  readonly #spare: Buffer[] = [];

  get bytes(): AsyncIterable<Uint8Array> {
    return this.#pour();
  }

  retainChunks(): void {
    this.retained++;
    this.#lent = [];
  }

  async *#pour(): AsyncGenerator<Uint8Array, void, void> {
    for (let at = 0; at < content.byteLength; at += chunkBytes) {
      if (this.#lent.length === chunksInUse) {
        const oldest = this.#lent.shift();
        if (oldest) this.#spare.push(oldest.fill(255));
      }
      const memory = this.#spare.pop() ?? Buffer.alloc(chunkBytes);
      content.copy(memory, 0, at, at + chunkBytes);
      this.#lent.push(memory);
      await turnOfTheLoop();
      this.poured++;
      yield memory;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

class FileFill implements CacheFill {
  readonly digest = `sha256:${"0".repeat(64)}` as Digest;
  readonly expectedSize = content.byteLength;
  readonly #file: FileHandle;
  size = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  get descriptor(): number {
    return this.#file.fd;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.#file.write(chunk, 0, chunk.byteLength, this.size);
    this.size += chunk.byteLength;
  }

  finish(onVerified?: () => void): Promise<void> {
    onVerified?.();
    return Promise.resolve();
  }

  keep(): Promise<void> {
    return Promise.resolve();
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }
}

async function follow(
  fill: BlobFill,
  {
    start = 0,
    end = content.byteLength,
    holds = 0,
    behind,
  }: { start?: number; end?: number; holds?: number; behind?: LendingSource },
): Promise<void> {
  const leave = fill.enter();
  assert.ok(leave);
  const reading = new Reading(start, end);
  while (reading.at < end) {
    const from = reading.at;
    const chunk = await fill.read(reading, new AbortController().signal);
    assert.ok(chunk.byteLength > 0);
    for (let turn = 0; turn < holds; turn++) await turnOfTheLoop();
    const late = Math.min(chunks, reading.at / chunkBytes + chunksInUse + 1);
    while (behind && behind.poured < late) await turnOfTheLoop();
    const expected = content.subarray(from, from + chunk.byteLength);
    assert.equal(Buffer.compare(chunk, expected), 0, `bytes from ${from} have changed`);
    assert.equal(reading.at, from + chunk.byteLength);
  }
  fill.leave(reading);
  leave();
}

async function withFill(
  work: (fill: BlobFill, source: LendingSource) => Promise<unknown>,
): Promise<void> {
  await using folder = await tempFolder();
  const source = new LendingSource();
  const file = new FileFill(await open(folder.in("blob"), "w+"));
  const fill = new BlobFill({ file, source, stop: new AbortController(), onEnd: () => {} });
  await work(fill, source);
  await fill.ended;
}

test("what comes in is lent to a reader that keeps up, and nothing retained for it", async () => {
  await withFill(async (fill, source) => {
    await follow(fill, { holds: 0 });
    assert.equal(source.retained, 0);
  });
});

test("a chunk that is read for longer than its source lends it does not change", async () => {
  await withFill(async (fill, source) => {
    await follow(fill, { behind: source });
    assert.ok(source.retained > 0);
  });
});

test("readers of any speed get their own part of a blob, and what they were given stays", async () => {
  await withFill(async (fill) => {
    const all = [0, 1, 7, 40].flatMap((holds) => [
      follow(fill, { holds }),
      follow(fill, { holds, start: 123_456 }),
      follow(fill, { holds, start: 250_001, end: 1_234_567 }),
    ]);
    await Promise.all(all);
  });
});
