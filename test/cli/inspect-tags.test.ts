import assert from "node:assert/strict";
import { test } from "node:test";
import { listTagsForInspect } from "../../src/cli/commands/inspect-tags.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { readCommandLine } from "../../src/cli/find-command.ts";
import type { Log } from "../../src/cli/log.ts";
import type { ResolvedImage } from "../../src/cli/parts.ts";
import { KnownError } from "../../src/core/errors.ts";
import { RegistryError } from "../../src/registry/errors.ts";
import type { CallOptions } from "../../src/transport/contract/call-options.ts";
import type { Transport } from "../../src/transport/contract/transport.ts";

interface Situation {
  readonly context: CommandContext;
  readonly warnings: string[];
}

function situation(args: readonly string[]): Situation {
  const { flags, globals } = readCommandLine("skopeo", ["inspect", ...args]);
  const warnings: string[] = [];
  const log = { warning: (text: string) => void warnings.push(text) } as unknown as Log;
  const signal = new AbortController().signal;
  return { context: { flags, globals, log, signal } as unknown as CommandContext, warnings };
}

function imageWith(
  listTags: (options: CallOptions) => Promise<readonly string[]>,
  name = "docker",
): ResolvedImage {
  const transport = { name, listTags: (_: unknown, options: CallOptions) => listTags(options) };
  return {
    transport: transport as unknown as Transport,
    reference: {} as ResolvedImage["reference"],
  };
}

function refusal(code: string, message: string): RegistryError {
  return new RegistryError("registry.denied", message, {
    entries: [{ code, message, detail: undefined }],
  });
}

test("listTagsForInspect() asks for nothing where no tags are shown", async () => {
  for (const [args, transport] of [
    [["-n"], "docker"],
    [["--raw"], "docker"],
    [["--config"], "docker"],
    [[], "oci"],
  ] as const) {
    const image = imageWith(() => assert.fail("tags were asked for"), transport);
    await using tags = listTagsForInspect(situation(args).context, image);
    assert.deepEqual(await tags.read(), []);
  }
});

test("listTagsForInspect() warns only, where the registry does not let its tags be listed", async () => {
  for (const error of [refusal("DENIED", "no"), refusal("UNKNOWN", "404 page not found")]) {
    const { context, warnings } = situation([]);
    await using tags = listTagsForInspect(
      context,
      imageWith(() => Promise.reject(error)),
    );
    assert.equal(await tags.read(), null);
    assert.deepEqual(warnings, ["Registry disallows tag list retrieval; skipping"]);
  }
});

test("listTagsForInspect() fails with any other failure, once the tags are read", async () => {
  const { context } = situation([]);
  const image = imageWith(() => Promise.reject(refusal("UNAUTHORIZED", "who are you")));
  await using tags = listTagsForInspect(context, image);
  await assert.rejects(
    tags.read(),
    (error: unknown) =>
      error instanceof KnownError &&
      error.code === "registry.denied" &&
      error.message === "Error determining repository tags: who are you",
  );
});

test("listTagsForInspect() calls the listing off when it is not read", async () => {
  let reason: unknown;
  const image = imageWith(
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
          reject(signal.reason);
        });
      }),
  );
  {
    await using _tags = listTagsForInspect(situation([]).context, image);
  }
  assert.ok(reason);
});
