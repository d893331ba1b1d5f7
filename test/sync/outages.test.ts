import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownError } from "../../src/core/errors.ts";
import { RegistryError } from "../../src/registry/errors.ts";
import { HttpError } from "../../src/registry/http/errors.ts";
import { Outages } from "../../src/sync/outages.ts";
import { isTriedAgain } from "../../src/sync/try-again.ts";

const signal = new AbortController().signal;

function refused(host: string, neverAnswered = true): KnownError {
  const cause = new HttpError("registry.unreachable", "refused", { phase: "connect" });
  const url = `https://${host}/v2/`;
  const error = new RegistryError("registry.unreachable", "refused", {
    url,
    cause,
    neverAnswered,
    retryable: true,
  });
  return new KnownError("copy.source-failed", "reading", { cause: error, retryable: true });
}

/** Work that fails as it is told, and how often it was begun. */
async function tryOut(outages: Outages, failures: (KnownError | undefined)[]) {
  const parts = { clock: { sleep: async () => {} }, random: () => 0, signal, retries: 2 };
  using patience = outages.begin();
  for (let tried = 1; ; tried++) {
    await new Promise(setImmediate);
    const error = failures[Math.min(tried, failures.length) - 1];
    const again =
      error !== undefined && (await isTriedAgain({ error, tried, patience }, parts, () => {}));
    if (again) continue;
    patience.ended(error);
    return tried;
  }
}

test("a host that is away is waited for once, and by no one else for a while", async () => {
  let now = 0;
  const outages = new Outages(() => now);
  const many = Array.from({ length: 5 }, () => tryOut(outages, [refused("a:1")]));
  const other = tryOut(outages, [refused("b:1")]);
  assert.deepEqual(await Promise.all(many), [3, 1, 1, 1, 1]);
  assert.equal(await other, 3);
  assert.equal(await tryOut(outages, [refused("a:1")]), 1);
  now = 30_000;
  assert.equal(await tryOut(outages, [refused("a:1")]), 3);
});

test("who waited for a host that came back goes on", async () => {
  const outages = new Outages(() => 0);
  const broken = new KnownError("registry.unavailable", "500", { retryable: true });
  const [first, second, third] = await Promise.all([
    tryOut(outages, [refused("a:1"), undefined]),
    tryOut(outages, [refused("a:1"), undefined]),
    tryOut(outages, [broken]), // reached: everybody's own affair
  ]);
  assert.deepEqual([first, second, third], [2, 2, 3]);
});

test("a host that goes away in the middle of a run is waited for by each", async () => {
  const outages = new Outages(() => 0);
  const all = Array.from({ length: 3 }, () => tryOut(outages, [refused("a:1", false)]));
  assert.deepEqual(await Promise.all(all), [3, 3, 3]);
  assert.equal(await tryOut(outages, [refused("a:1", false)]), 3);
});
