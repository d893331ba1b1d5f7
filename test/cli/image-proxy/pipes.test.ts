import assert from "node:assert/strict";
import { closeSync, createReadStream } from "node:fs";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { Pipes } from "../../../src/cli/image-proxy/pipes.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { BlobStream } from "../../../src/stream/blob-stream.ts";
import { randomBytesOf } from "../../support/random.ts";

test("Pipes lets go of what a blob comes from, whether its client reads it or goes away", async () => {
  using pipes = new Pipes(new AbortController().signal);
  const bytes = randomBytesOf(1, 300_000);
  for (const way of ["read", "left", "with errors"] as const) {
    const released = Promise.withResolvers<void>();
    const blob = new BlobStream(
      { mediaType: "", digest: digestOf(bytes), size: bytes.length },
      async function* () {
        yield bytes;
      },
      { reopens: false, release: released.resolve },
    );
    if (way === "with errors") {
      const { descriptors = [] } = pipes.giveWithErrors(blob);
      const given = descriptors.map((fd) => buffer(createReadStream("", { fd })));
      assert.deepEqual(
        (await Promise.all(given)).map(({ length }) => length),
        [bytes.length, 0],
      );
    } else {
      const { pipeId = 0, descriptors: [fd = -1] = [] } = pipes.give(blob);
      if (way === "read") assert.deepEqual(await buffer(createReadStream("", { fd })), bytes);
      else closeSync(fd);
      const finished = pipes.finish(pipeId);
      if (way === "read") await finished;
      else await assert.rejects(finished, { code: "EPIPE" });
    }
    await released.promise;
  }
});
