import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileErrorText } from "../../src/config/load-file.ts";

test("fileErrorText() names the call that a full disk failed", async () => {
  const error = await writeFile("/dev/full", "x").catch((cause: unknown) => cause);
  assert.equal(
    fileErrorText(error, "open", "/dev/full"),
    "write /dev/full: no space left on device",
  );
});
