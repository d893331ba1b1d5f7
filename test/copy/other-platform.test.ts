import assert from "node:assert/strict";
import { test } from "node:test";
import type { CopyEvent } from "../../src/copy/events.ts";
import { tellOtherPlatform } from "../../src/copy/other-platform.ts";

test("tellOtherPlatform() tells only of an image that none of the platforms wanted suits", () => {
  const told = (platform: object, architecture: string): readonly CopyEvent[] => {
    const events: CopyEvent[] = [];
    const config = Buffer.from(JSON.stringify({ ...platform, rootfs: { type: "layers" } }));
    tellOtherPlatform(config, { os: "linux", architecture }, (event) => events.push(event));
    return events;
  };
  const arm64 = { os: "linux", architecture: "arm64", variant: "v8" };
  assert.deepEqual(told(arm64, "arm64"), []);
  assert.deepEqual(told(arm64, "amd64"), [
    {
      type: "other-platform",
      platform: arm64,
      wanted: [{ os: "linux", architecture: "amd64", variant: "" }],
    },
  ]);
});
