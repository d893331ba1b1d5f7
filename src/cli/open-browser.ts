import { spawn } from "node:child_process";
import { once } from "node:events";
import { CliError } from "./errors.ts";

/** What opens a URL on a desktop, by the system it is of. */
const openers: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  linux: ["xdg-open", "x-www-browser", "www-browser"],
};

/**
 * Opens the user's browser, and does not wait for it to be closed.
 *
 * @throws {CliError} `cli.unsupported`: `error opening browser: …`
 */
export async function openBrowser(url: string): Promise<void> {
  const names = openers[process.platform] ?? openers["linux"] ?? [];
  for (const name of names) {
    const child = spawn(name, [url], { stdio: "ignore", detached: true });
    const isThere = await once(child, "spawn").then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    child.unref();
    return;
  }
  throw new CliError(
    "cli.unsupported",
    `error opening browser: exec: "${names.join(",")}": executable file not found in $PATH`,
  );
}
