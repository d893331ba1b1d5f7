import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../../../src/core/digest.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import { assertHolds } from "../../registry/support.ts";
import { makeImage } from "../../support/images.ts";
import {
  cutResponse,
  type Fault,
  loseReply,
  refuse,
  reset,
} from "../../support/registry/faults.ts";
import { startRegistry } from "../../support/registry.ts";
import { pushImage } from "./pushing.ts";
import { byTag, readBlob, repositoryOf, startUpstreams, testCall } from "./support.ts";

const image = makeImage({ layers: 1, layerBytes: 90_000 });

const faults: readonly (readonly [string, Fault])[] = [
  ["is reset", reset()],
  ["is done and not answered", loseReply()],
  ["is answered 503", refuse(503)],
  ["is refused", refuse(403, { code: "DENIED" })],
  ["breaks off in its answer", cutResponse(10)],
];
/** Each fault begins at another request, and leaves some out, but with AMPHORA_SOAK=1. */
const step = process.env["AMPHORA_SOAK"] === "1" ? 1 : faults.length + 2;

for (const [index, [what, fault]] of faults.entries()) {
  test(`whichever request ${what}: what is acknowledged is there, and what is served is right`, async () => {
    for (let nth = step === 1 ? 1 : 1 + index; ; nth += step) {
      await using registry = await startRegistry();
      await using world = await startUpstreams(registry.origin, { push: "write-through" });
      await using other = await startUpstreams(registry.origin);
      const rule = registry.behave({ nth, fault });
      try {
        await pushImage(world.upstreams, repositoryOf(), image);
        assertHolds(registry, "app", image);
      } catch (error) {
        if (!(error instanceof RegistryAnswerError)) throw error;
        world.pass(31_000);
        await pushImage(world.upstreams, repositoryOf(), image);
      }
      const held = await readAgain(() =>
        other.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall()),
      );
      assert.equal(held?.digest, image.digest);
      for (const [name, bytes] of image.blobs) {
        const read = await readAgain(() => readBlob(other.upstreams, name as Digest));
        assert.ok(read?.equals(bytes));
      }
      if (rule.hits === 0) return;
    }
  });
}

/** A second time where the first was told an error. */
async function readAgain<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RegistryAnswerError)) throw error;
    return await read();
  }
}
