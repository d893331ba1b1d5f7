import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleScript } from "../support/bundled-script.ts";
import { launchOptions } from "../support/launch.ts";
import { run } from "../support/run.ts";

/** Two threads of 8 MiB and six streams of four blocks take 30. */
const mostMib = 40;

async function peakMib(program: string, format: string, mib: number): Promise<number> {
  const { nodeArgs, env } = launchOptions();
  const { stdout, stderr } = await run(process.execPath, [...nodeArgs, program, format, `${mib}`], {
    env,
  });
  assert.equal(stderr, "");
  return Number(stdout);
}

test("Compression takes the same memory for long streams as for short ones, and little", async () => {
  // Bundled: from its sources each thread would hold Node's TypeScript too, which is larger than what is asked about.
  await using script = await bundleScript(new URL("packing-memory.ts", import.meta.url));
  for (const format of ["gzip", "zstd"]) {
    const none = await peakMib(script.path, format, 0);
    const short = await peakMib(script.path, format, 8);
    const most = Math.min(1.25 * short, none + mostMib);
    // What else a machine does can only add to a peak, so the least of some tries is the nearest to the truth.
    let long = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 3 && long > most; n++)
      long = Math.min(long, await peakMib(script.path, format, 24));
    assert.ok(
      long <= most,
      `${format}: ${long} MiB for long ones, ${short} for short, ${none} idle`,
    );
  }
});
