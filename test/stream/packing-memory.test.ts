import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../support/run.ts";

const program = fileURLToPath(new URL("packing-memory.ts", import.meta.url));

async function peakMib(format: string, mib: number): Promise<number> {
  const { stdout, stderr } = await run(process.execPath, [program, format, `${mib}`]);
  assert.equal(stderr, "");
  return Number(stdout);
}

test("Compression takes the same memory for long streams as for short ones, and little", async () => {
  for (const format of ["gzip", "zstd"]) {
    const short = await peakMib(format, 4);
    const long = await peakMib(format, 24);
    assert.ok(long < short * 1.25, `${format}: ${long} MiB for long ones, ${short} for short`);
    assert.ok(long < 150, `${format}: ${long} MiB`);
  }
});
