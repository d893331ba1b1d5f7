import assert from "node:assert/strict";
import { test } from "node:test";
import { copyImage } from "../../src/library/copy.ts";
import { openGate } from "../../src/library/policy.ts";
import { openTransports } from "../../src/library/transports.ts";
import { tempFolder } from "../support/temp.ts";

for (const parallel of [0, -1, 1.5, Number.NaN]) {
  test(`copyImage() refuses to move ${parallel} blobs at once`, async () => {
    await using folder = await tempFolder();
    await using transports = await openTransports();
    const copied = copyImage({
      from: await transports.resolve(`oci:${folder.in("a")}`, "source"),
      to: await transports.resolve(`dir:${folder.in("b")}`, "destination"),
      gate: openGate(),
      platform: transports.hostPlatform,
      parallel,
    });
    await assert.rejects(copied, { code: "usage.bad-flag" });
  });
}
