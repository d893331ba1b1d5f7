import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "../../../src/server/metrics/metrics.ts";

test("Metrics are told without a figure that does not come", { timeout: 30_000 }, async () => {
  const metrics = createMetrics();
  metrics.watch({
    here: { help: "Comes", read: async () => 7 },
    away: { help: "Does not come", read: () => new Promise(() => {}) },
    wrong: { help: "Cannot be read", read: () => Promise.reject(new Error("away")) },
  });
  const began = performance.now();
  const text = await metrics.text();
  assert.match(text, /^amphora_here 7$/m);
  assert.match(text, /^amphora_away 0$/m);
  assert.match(text, /^amphora_wrong 0$/m);
  assert.ok(performance.now() - began < 9000, "before a scrape is given up");
});
