import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Environment } from "../config/environment.ts";
import { CliError } from "./errors.ts";

/** What opens a URL on a desktop, by the system it is of. */
const openers: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  linux: ["xdg-open", "x-www-browser", "www-browser"],
};

/**
 * Opens the user's browser, and does not wait for it to be closed.
 *
 * @param variables where a display is named, if there is one
 *
 * @throws {CliError} `cli.unsupported`: `error opening browser: …`
 */
export async function openBrowser(url: string, variables: Environment["variables"]): Promise<void> {
  const { DISPLAY, WAYLAND_DISPLAY } = variables;
  if (process.platform === "linux" && !DISPLAY && !WAYLAND_DISPLAY)
    throw cannot("there is no display");
  const names = openers[process.platform] ?? openers["linux"] ?? [];
  for (const name of names) {
    const child = spawn(name, [url], { stdio: "ignore", detached: true, env: { ...variables } });
    const isThere = await once(child, "spawn").then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    child.unref();
    return;
  }
  throw cannot(`exec: "${names.join(",")}": executable file not found in $PATH`);
}

function cannot(why: string): CliError {
  return new CliError("cli.unsupported", `error opening browser: ${why}`);
}
