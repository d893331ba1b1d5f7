import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { compilePolicy, type PolicyFragment } from "../../../policy/compile.ts";
import { systemContainersDirectory } from "../../config/environment.ts";
import { ConfigError } from "../../config/errors.ts";
import { fileErrorText, listIfThere, readFile } from "../../config/load-file.ts";
import { findPolicyFile } from "../../config/load-policy-file.ts";
import { UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { writeNamed } from "./named-file.ts";
import { changePolicy, parsePolicyDocument } from "./policy-document.ts";

/** `trust compile [FOLDER]`: one standard policy of the pieces in a folder. */
export async function compile(context: CommandContext): Promise<void> {
  const { args, flags, signal, terminal } = context;
  if (args.length > 1) throw new UsageError("usage.bad-flag", "At most one argument expected");
  const folder = args[0] ?? (await defaultFolder(context));
  const text = compilePolicy(readPieces(folder));
  const output = flags.string("output");
  if (output === "") return await terminal.out(text);
  const document = parsePolicyDocument(Buffer.from(text), folder);
  if (isDevice(output))
    return await writeNamed(output, text, { mode: 0o644, during: "writing the policy" });
  await changePolicy(output, () => document, { signal });
}

/** What is written to, and cannot be read before or replaced: a terminal, a pipe. */
function isDevice(path: string): boolean {
  try {
    const found = statSync(path);
    return !found.isFile() && !found.isDirectory();
  } catch {
    return false; // writing tells what is wrong with it
  }
}

async function defaultFolder(context: CommandContext): Promise<string> {
  const { environment } = await context.parts();
  const { policyPath } = context.settings;
  try {
    return join(dirname(findPolicyFile(environment, policyPath).path), "policy.d");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return join(systemContainersDirectory(environment), "policy.d");
  }
}

function readPieces(folder: string): readonly PolicyFragment[] {
  const names = listOf(folder).filter((name) => name.endsWith(".json") && !name.startsWith("."));
  return names.map((name) => join(folder, name)).map((file) => ({ file, bytes: readFile(file) }));
}

function listOf(folder: string): readonly string[] {
  try {
    const entries = listIfThere(folder);
    if (entries) return entries.map(({ name }) => name);
  } catch (error) {
    throw new ConfigError("config.unreadable", fileErrorText(error, "open", folder), {
      file: folder,
      cause: error,
    });
  }
  throw new ConfigError("config.unreadable", `open ${folder}: no such file or directory`, {
    file: folder,
  });
}
