import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { startServer } from "../../server/shell/start-server.ts";
import type { CommandContext } from "../context.ts";
import { assembleServer } from "./assemble-server.ts";
import type { FaceName } from "./face-names.ts";
import { createServerLog } from "./server-log.ts";
import { handedSockets, serviceManager } from "./service-manager.ts";

/** Starts the server, and returns when it was told to end and did. A second signal ends the process at once. */
export async function serve(
  context: CommandContext,
  load: () => Promise<{ readonly settings: ServerSettings }>,
  only: FaceName | undefined,
): Promise<void> {
  const { settings } = await load();
  const { signal, terminal, version } = context;
  const log = createServerLog(settings.log, terminal);
  const say = sayTo(log);
  using manager = await serviceManager(process.env, (text) => say("warn", text));
  const handed = handedSockets(process.env);
  await using assembled = await assembleServer(settings, { only, log, context });
  const server = await startServer(settings, assembled.parts, handed);
  for (const url of server.urls) say("info", "listening", { url, version });
  assembled.begin(server.urls);
  for (const url of server.metricsUrls) say("info", "figures", { url: `${url}/metrics` });
  const hangUp = async () => {
    manager.reloading();
    await server.reload();
    try {
      const later = await assembled.reload((await load()).settings);
      say("info", "configuration read again");
      if (later.length > 0)
        say("warn", "changes that need a new start", { members: later.join(", ") });
    } catch (error) {
      log({ type: "message", level: "error", text: "configuration not changed", error });
    }
    manager.ready(server.urls.join(" "));
  };
  const onHangUp = () => void hangUp();
  process.on("SIGHUP", onHangUp);
  manager.ready(server.urls.join(" "));
  await aborted(signal);
  manager.stopping();
  say("info", "ending");
  const cut = await server.stop();
  process.off("SIGHUP", onHangUp);
  say(cut === 0 ? "info" : "warn", "ended", { cut });
}

function sayTo(report: Report) {
  return (
    level: "info" | "warn",
    text: string,
    fields: Readonly<Record<string, string | number>> = {},
  ) => report({ type: "message", level, text, fields });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
