import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, inflateRawSync } from "node:zlib";
import type { Deflated } from "../../../src/stream/deflate/messages.ts";
import { DeflateThreads } from "../../../src/stream/deflate/threads.ts";
import { run } from "../../support/run.ts";
import { compressible } from "../bytes.ts";

const before = 1000;

function taskOf(seed: number, length = 100_000) {
  const bytes = compressible(seed, before + length);
  const memory = new ArrayBuffer(before + length);
  new Uint8Array(memory).set(bytes);
  return { bytes, task: { memory, start: before, before, length } };
}

function unpacked({ memory, length }: Deflated, dictionary: Buffer): Buffer {
  const options = { dictionary, finishFlush: constants.Z_SYNC_FLUSH };
  return inflateRawSync(new Uint8Array(memory, 0, length), options);
}

test("DeflateThreads packs many pieces side by side, each with what came before it", async () => {
  const threads = new DeflateThreads();
  for (let round = 0; round < 3; round++) {
    const asked = [1, 2, 3].map((seed) => taskOf(10 * round + seed));
    const done = await Promise.all(asked.map(({ task }) => threads.run(task)));
    for (const [i, { bytes }] of asked.entries()) {
      const content = unpacked(done[i] as Deflated, bytes.subarray(0, before));
      assert.ok(content.equals(bytes.subarray(before)), `${round} ${i}`);
    }
  }
});

test("DeflateThreads tells what failed, and goes on with another thread", async () => {
  const threads = new DeflateThreads();
  for (let round = 0; round < 2; round++) {
    const { task } = taskOf(4);
    await assert.rejects(threads.run({ ...task, length: 2 ** 24, before: 2 ** 23 }), RangeError);
    const { bytes, task: next } = taskOf(5);
    const content = unpacked(await threads.run(next), bytes.subarray(0, before));
    assert.ok(content.equals(bytes.subarray(before)));
  }
});

test("idle threads of DeflateThreads keep no program from its end", async () => {
  const module = new URL("../../../src/stream/deflate/threads.ts", import.meta.url);
  const program = `import { DeflateThreads } from ${JSON.stringify(module.href)};
    const memory = new ArrayBuffer(1000);
    const { length } = await new DeflateThreads().run({ memory, start: 0, before: 0, length: 1000 });
    console.log(length < 100);`;
  const args = ["--input-type=module", "--eval", program];
  const { stdout, exitCode } = await run(process.execPath, args, { timeoutMs: 60_000 });
  assert.deepEqual([stdout, exitCode], ["true\n", 0]);
});
