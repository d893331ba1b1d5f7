import { spawn, spawnSync } from "node:child_process";

/** Command-line tools that what is written here must be readable by, and the other way round. */
export type PackingTool = "gzip" | "zstd";

/** The `skip` of a test that needs the tool; an error where AMPHORA_REQUIRE_PEERS=1. */
export function skipWithoutTool(tool: PackingTool): string | false {
  if (spawnSync(tool, ["--version"]).status === 0) return false;
  if (process.env["AMPHORA_REQUIRE_PEERS"] === "1") throw new Error(`not on PATH: ${tool}`);
  return `not on PATH: ${tool}`;
}

/** What the tool makes of `input`. */
export function throughTool(
  tool: PackingTool,
  args: readonly string[],
  input: Uint8Array,
): Promise<Buffer> {
  const child = spawn(tool, args, { stdio: ["pipe", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(chunks));
      else reject(new Error(`${tool} ended with ${code}`));
    });
  });
}
