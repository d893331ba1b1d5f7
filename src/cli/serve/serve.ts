import type { ServerSettings } from "../../server/settings.ts";
import { startServer } from "../../server/shell/start-server.ts";
import type { CommandContext } from "../context.ts";
import { assembleServer } from "./assemble-server.ts";
import type { FaceName } from "./face-names.ts";
import { createServerLog } from "./server-log.ts";

/** Starts the server, and returns when it was told to end and did. A second signal ends the process at once. */
export async function serve(
  { signal, terminal, version }: CommandContext,
  settings: ServerSettings,
  only: FaceName | undefined,
): Promise<void> {
  const log = createServerLog(settings.log, terminal);
  await using assembled = await assembleServer(settings, only, log);
  const server = await startServer(settings, assembled.parts);
  const { report } = assembled.parts;
  for (const url of server.urls)
    report({ type: "message", level: "info", text: "listening", fields: { url, version } });
  const hangUp = () => void Promise.all([server.reload(), assembled.reload()]);
  process.on("SIGHUP", hangUp);
  await aborted(signal);
  report({ type: "message", level: "info", text: "ending" });
  const cut = await server.stop();
  process.off("SIGHUP", hangUp);
  report({ type: "message", level: "info", text: "ended", fields: { cut } });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
