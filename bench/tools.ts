import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Arguments } from "./arguments.ts";
import { run } from "./measure.ts";

/** The programs that are compared. */
export type ToolName = "amphora" | "skopeo" | "crane" | "oras";

export interface Tool {
  readonly name: ToolName;
  /** What starts it. */
  readonly words: readonly string[];
}

/** Whatever of the tools is here, ours first. */
export async function findTools(args: Arguments): Promise<readonly Tool[]> {
  const ours = fileURLToPath(new URL("../bin/amphora", import.meta.url));
  const tools: Tool[] = [{ name: "amphora", words: [ours] }];
  for (const name of ["skopeo", "crane", "oras"] as const) {
    const words = await findProgram(name, args);
    if (words) tools.push({ name, words });
  }
  return tools;
}

/** What starts `name`: as given, behind the prefix, from PATH; undefined where none of it runs. */
export async function findProgram(
  name: PeerName,
  { peers, prefix }: Arguments,
): Promise<readonly string[] | undefined> {
  const given = peers.get(name);
  if (given) return given;
  const prefixed = [...prefix, name];
  if (prefix.length > 0 && (await runs([...prefixed, ...versionOf[name]]))) return prefixed;
  const path = onPath(name);
  return path ? [path] : undefined;
}

type PeerName = "skopeo" | "crane" | "oras" | "docker-registry";

const versionOf: Record<PeerName, readonly string[]> = {
  skopeo: ["--version"],
  crane: ["version"],
  oras: ["version"],
  "docker-registry": ["--version"],
};

async function runs(words: readonly string[]): Promise<boolean> {
  try {
    await run({ words });
    return true;
  } catch {
    return false;
  }
}

function onPath(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find(executable);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
