import type { Dirent } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { posix } from "node:path";
import { fileErrorText } from "../../config/load-file.ts";
import { UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";
import type { End } from "../parts.ts";
import type { SourceImage, SyncSource } from "./sources.ts";

/**
 * `--src dir FOLDER`: every folder in it that holds a manifest.json. As skopeo walks, names in the order of their bytes:
 * folders below such a one are found too where their names come before "manifest.json".
 *
 * @throws {CliError} `cli.unreadable`; {UsageError} where there is none
 */
export async function folderSource(
  { signal }: Pick<CommandContext, "signal">,
  end: End,
  text: string,
): Promise<SyncSource> {
  await stat(text).catch((error) => {
    throw unreadable(`Invalid source directory specified: ${fileErrorText(error, "stat", text)}`);
  });
  const image = async (folder: string): Promise<SourceImage> => {
    const resolve = () => end.resolve(`dir:${folder}`, "source", { signal });
    return {
      image: await withPrefix(badReference(folder), resolve),
      path: pathBelow(text, folder),
    };
  };
  const keys: string[] = [];
  for await (const folder of imageFolders(text)) {
    signal.throwIfAborted();
    await image(folder);
    keys.push(folder);
  }
  if (keys.length === 0)
    throw new UsageError("usage.bad-reference", `No images to sync found in ${goQuote(text)}`);
  return { name: text, keys, image };
}

async function* imageFolders(root: string): AsyncIterable<string> {
  const isFolder = (await lstat(root)).isDirectory() || root.endsWith("/");
  if (isFolder) return yield* within(root, root);
  if (posix.basename(root) === "manifest.json") yield posix.dirname(root);
}

async function* within(folder: string, root: string): AsyncIterable<string> {
  for (const entry of await entriesOf(folder, root)) {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) yield* within(path, root);
    else if (entry.name === "manifest.json") return yield posix.dirname(path);
  }
}

async function entriesOf(folder: string, root: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  } catch (error) {
    const why = fileErrorText(error, "open", folder);
    throw unreadable(`Error walking the path ${goQuote(root)}: ${why}`);
  }
}

/** What of the path is not the folder's; of the folder itself its name. */
function pathBelow(root: string, folder: string): string {
  const rest = folder.startsWith(root) ? folder.slice(root.length) : folder;
  return rest === "" ? posix.basename(root) : rest;
}

function badReference(folder: string): string {
  return `Cannot obtain a valid image reference for transport "dir" and reference ${goQuote(folder)}`;
}

function unreadable(message: string): CliError {
  return new CliError("cli.unreadable", message);
}
