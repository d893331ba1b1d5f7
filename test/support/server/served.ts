import { mkdir, writeFile } from "node:fs/promises";
import type { CommandContext } from "../../../src/cli/context.ts";
import { assembleServer } from "../../../src/cli/serve/assemble-server.ts";
import type { FaceName } from "../../../src/cli/serve/face-names.ts";
import { loadSettings } from "../../../src/cli/serve/load-settings.ts";
import type { ServerEvent } from "../../../src/server/server-event.ts";
import type { ServerSettings } from "../../../src/server/settings.ts";
import { type RunningServer, startServer } from "../../../src/server/shell/start-server.ts";
import { type TempFolder, tempFolder } from "../temp.ts";

/** The whole server, in this process, on a port of the system's choice. */
export interface Served extends AsyncDisposable {
  readonly server: RunningServer;
  readonly settings: ServerSettings;
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly folder: TempFolder;
  readonly events: readonly ServerEvent[];
  /** As SIGHUP, after the configuration was changed to `yaml`. */
  reload(yaml?: string): Promise<readonly string[]>;
  stop(): Promise<number>;
}

export interface ServedOptions {
  /** As in the configuration file; `data` and `listen` are given already. */
  readonly yaml?: string;
  readonly listen?: readonly string[];
  readonly only?: FaceName;
  /** Written beside the configuration before the start. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of another test, that goes on when this server has ended. */
  readonly folder?: TempFolder;
}

/** Starts it as `amphora serve` does. */
export async function startServed(options: ServedOptions = {}): Promise<Served> {
  const { yaml = "", listen = ["127.0.0.1:0"], files = {}, only } = options;
  const folder = options.folder ?? (await tempFolder());
  await mkdir(folder.in("etc"), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(folder.in("etc", name), text);
  const config = folder.in("etc", "serve.yaml");
  await writeFile(config, yaml);
  const load = () =>
    loadSettings({ config, listen, data: folder.in("data") }, { variables: {}, cwd: folder.path });
  const { settings } = await load();
  const events: ServerEvent[] = [];
  const assembled = await assembleServer(settings, {
    only,
    log: (event) => void events.push(event),
    context: {
      version: "0.0.0",
      settings: { requireSigned: false },
      signal: new AbortController().signal,
    } as CommandContext,
  });
  const server = await startServer(settings, assembled.parts).catch(async (error) => {
    await assembled[Symbol.asyncDispose]();
    throw error;
  });
  let stopped: Promise<number> | undefined;
  const stop = () => (stopped ??= server.stop().finally(() => assembled[Symbol.asyncDispose]()));
  const [url = ""] = server.urls;
  return {
    server,
    settings,
    url,
    host: url.replace(/^https?:\/\//, ""),
    folder,
    events,
    async reload(changed = yaml) {
      await writeFile(config, changed);
      await server.reload();
      return await assembled.reload((await load()).settings);
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      if (!options.folder) await folder[Symbol.asyncDispose]();
    },
  };
}
