import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "../../../src/server/metrics/metrics.ts";

test("Metrics are told without a figure that does not come", { timeout: 60_000 }, async (t) => {
  const metrics = createMetrics();
  metrics.watch({
    here: { help: "Comes", read: async () => 7 },
    away: { help: "Does not come", read: () => new Promise(() => {}) },
    wrong: { help: "Cannot be read", read: () => Promise.reject(new Error("away")) },
  });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told = metrics.text();
  await new Promise((resolve) => setImmediate(resolve)); // until all have been asked
  t.mock.timers.tick(9000); // before a scrape is given up
  const text = await told;
  assert.match(text, /^amphora_here 7$/m);
  assert.match(text, /^amphora_away 0$/m);
  assert.match(text, /^amphora_wrong 0$/m);
});
