import assert from "node:assert/strict";
import { cp, mkdir, readdir } from "node:fs/promises";
import { test } from "node:test";
import { KnownError } from "../../src/core/errors.ts";
import type { Transport } from "../../src/transport/contract/transport.ts";
import { createDirTransport } from "../../src/transport/dir/transport.ts";
import { createOciTransport } from "../../src/transport/oci/transport.ts";
import { systemError, watchFiles } from "../layout/faulty-files.ts";
import { everyStep } from "../support/faults.ts";
import { makeImage, makeMultiArch } from "../support/images.ts";
import { tempFolder } from "../support/temp.ts";
import { readFrom, writeTo } from "./small-copy.ts";

const old = makeImage({ seed: 1, type: "oci", layers: 2, layerBytes: 100_000 });
const next = makeMultiArch({ seed: 2, type: "oci" });
/** What only tidies up: when that fails, there is nobody left to tidy up behind it. */
const tidying = ["rm", "rmdir", "unlink"];

const kinds: readonly {
  readonly name: string;
  readonly transport: Transport;
  readonly text: (folder: string) => string;
}[] = [
  { name: "oci", transport: createOciTransport(), text: (folder) => `${folder}:name` },
  { name: "dir", transport: createDirTransport(), text: (folder) => folder },
];

const soak = process.env["AMPHORA_SOAK"] === "1";

for (const { name, transport, text } of kinds) {
  for (const errno of soak ? ["ENOSPC", "EIO"] : ["ENOSPC"]) {
    for (const before of ["nothing", "empty folder", "image"] as const) {
      test(`${name}: over ${before}: any change to files may fail with ${errno}`, async () => {
        await using folder = await tempFolder();
        if (before === "empty folder") await mkdir(folder.in("start"));
        if (before === "image") await writeTo(transport, text(folder.in("start")), old);
        let round = 0;
        await everyStep(
          async (nth) => {
            const target = folder.in(`round-${round++}`);
            if (before !== "nothing") await cp(folder.in("start"), target, { recursive: true });
            const { error, failedAt } = await writeFailing(transport, text(target), nth, errno);
            if (failedAt === undefined) {
              assert.equal(error, undefined);
              return "through";
            }
            if (error !== undefined) await assertUnharmed(transport, text(target), before);
            const readable = error === undefined || before === "image";
            if (readable) await readFrom(transport, text(target));
            if (!tidying.includes(failedAt)) {
              const names = await readdir(folder.path, { recursive: true });
              assert.deepEqual(
                names.filter((each) => each.includes(".amphora")),
                [],
                failedAt,
              );
            }
            await writeTo(transport, text(target), next);
            assert.equal(await readFrom(transport, text(target)), next.digest);
            return "failed";
          },
          soak ? {} : { sample: 5 },
        );
      });
    }
  }
}

async function writeFailing(
  transport: Transport,
  text: string,
  nth: number,
  errno: string,
): Promise<{ readonly error?: unknown; readonly failedAt?: string }> {
  let failedAt: string | undefined;
  using _watched = await watchFiles((call, name) => {
    if (call !== nth) return;
    failedAt = name;
    throw systemError(errno, name);
  });
  try {
    await writeTo(transport, text, next);
    return { ...(failedAt !== undefined && { failedAt }) };
  } catch (error) {
    return { error, ...(failedAt !== undefined && { failedAt }) };
  }
}

/** The image from before, whole; or nothing, where there was none. The new one only if it was all there already. */
async function assertUnharmed(transport: Transport, text: string, before: string): Promise<void> {
  try {
    const digest = await readFrom(transport, text);
    assert.ok(digest === next.digest || (before === "image" && digest === old.digest));
  } catch (error) {
    assert.ok(before !== "image" && error instanceof KnownError, String(error));
    assert.equal(error.code, "layout.missing");
  }
}
