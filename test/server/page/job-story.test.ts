import assert from "node:assert/strict";
import { test } from "node:test";
import { JobStory } from "../../../src/server/page/client/job-story.ts";

test("an image that goes to two places is two rows, and the failure of one is not hidden by the other", () => {
  const story = new JobStory();
  const image = (to: string, state: "started" | "failed" | "copied") =>
    story.note({ type: "image", at: 0, from: "a", to, state });
  const blob = (sent: number) =>
    story.note({ type: "blob", at: 0, image: "a", digest: "sha256:1", sent, size: 10 });
  blob(1); // told of before its image, whose event was lost
  image("one", "started");
  image("two", "started");
  blob(5);
  image("one", "failed");
  image("two", "copied");
  blob(10);
  assert.deepEqual(
    story.inOrder().map(({ to, state, blobs }) => [to, state, blobs.size]),
    [
      ["one", "failed", 0],
      ["two", "copied", 0],
    ],
  );
});
