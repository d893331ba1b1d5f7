import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { launchOptions } from "../support/launch.ts";
import { run } from "../support/run.ts";

const program = fileURLToPath(new URL("packing-memory.ts", import.meta.url));

async function peakMib(format: string, mib: number): Promise<number> {
  const { nodeArgs, env } = launchOptions();
  const { stdout, stderr } = await run(process.execPath, [...nodeArgs, program, format, `${mib}`], {
    env,
  });
  assert.equal(stderr, "");
  return Number(stdout);
}

test("Compression takes the same memory for long streams as for short ones, and little", async () => {
  for (const format of ["gzip", "zstd"]) {
    const none = await peakMib(format, 0);
    const short = await peakMib(format, 8);
    const most = Math.min(1.25 * short, 1.5 * none);
    // What else a machine does can only add to a peak, so the least of some tries is the nearest to the truth.
    let long = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 3 && long > most; n++) long = Math.min(long, await peakMib(format, 24));
    assert.ok(
      long <= most,
      `${format}: ${long} MiB for long ones, ${short} for short, ${none} idle`,
    );
  }
});
