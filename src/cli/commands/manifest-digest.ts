import { readFile } from "node:fs/promises";
import { fileErrorText } from "../../config/load-file.ts";
import { UsageError } from "../../core/errors.ts";
import { manifestDigest } from "../../core/manifest.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";

/** `manifest-digest FILE`: the digest that a registry would know this manifest by. */
export async function run({ args, terminal }: CommandContext): Promise<void> {
  const [path] = args;
  if (path === undefined || args.length !== 1)
    throw new UsageError("usage.bad-flag", "Usage: skopeo manifest-digest manifest");
  const bytes = await readManifest(path);
  const digest = await withPrefix("Error computing digest", async () => manifestDigest(bytes));
  await terminal.out(`${digest}\n`);
}

async function readManifest(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const text = fileErrorText(error, "open", path);
    throw new CliError("cli.unreadable", `Error reading manifest from ${path}: ${text}`, {
      cause: error,
    });
  }
}
