import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { untilAborted } from "../../src/registry/until-aborted.ts";

test("untilAborted() lets what is not waited for any more fail unheard", async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const reason = new Error("called off");
  await assert.rejects(untilAborted(promise, AbortSignal.abort(reason)), reason);
  reject(new Error("closed"));
  await setImmediate(); // where nobody listened, the process would end here
});
