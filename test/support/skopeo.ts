import { requirePeer } from "./peers.ts";
import { type RunOptions, type RunResult, run } from "./run.ts";
import { tempFolder } from "./temp.ts";

/** Runs Debian's skopeo in a home of its own, trusting any image. */
export async function skopeo(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  await using home = await tempFolder();
  return await run(requirePeer("skopeo"), ["--insecure-policy", ...args], {
    ...options,
    env: { HOME: home.path, XDG_RUNTIME_DIR: home.path, ...options.env },
  });
}
