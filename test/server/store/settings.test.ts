import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultStoreSettings } from "../../../src/server/store/default-settings.ts";
import { storeSettings } from "../../../src/server/store/settings.ts";

test("storeSettings are the defaults where nothing is said", () => {
  const { maxBlobBytes: _, untaggedAfterMs: __, ...rest } = defaultStoreSettings;
  assert.deepEqual(storeSettings.parse({}), rest);
});

test("storeSettings reads sizes and durations", () => {
  const said = storeSettings.parse({
    ...{ references: "sparse", maxBlobBytes: "10GiB", uploadExpiry: "2h", untaggedAfter: "7d" },
    ...{ unreferencedAfter: "1h", collectEvery: 0, manifestMemory: "8MiB" },
  });
  assert.equal(said.maxBlobBytes, 10 * 1024 ** 3);
  assert.equal(said.uploadExpiryMs, 7_200_000);
  assert.equal(said.untaggedAfterMs, 7 * 86_400_000);
  assert.equal(said.collectEveryMs, 0);
  assert.equal(said.manifestMemoryBytes, 8 * 1024 ** 2);
});

test("storeSettings refuses what it does not know", () => {
  for (const bad of [{ refs: 1 }, { references: "some" }, { maxBlobBytes: "much" }]) {
    assert.equal(storeSettings.safeParse(bad).success, false);
  }
});
