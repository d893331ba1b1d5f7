import type { ConfiguredAccess } from "../../server/access/create-access.ts";
import { localAccess } from "../../server/access/local-access.ts";
import type { AccessSettings } from "../../server/access/settings.ts";
import { createMetrics } from "../../server/metrics/metrics.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { ServerParts } from "../../server/shell/start-server.ts";
import type { CommandContext } from "../context.ts";
import type { FaceName } from "./face-names.ts";

/** The server's parts, joined. */
export interface AssembledServer extends AsyncDisposable {
  readonly parts: ServerParts;
  /** Reads again what is read from files. */
  reload(): Promise<void>;
}

/** What the server is assembled for. */
export interface AssemblyRequest {
  /** One face alone; undefined: all. */
  readonly only: FaceName | undefined;
  readonly log: Report;
  readonly context: CommandContext;
}

/** Builds the parts of the server and joins them; the one place that knows them all. */
export async function assembleServer(
  settings: ServerSettings,
  { log, context }: AssemblyRequest,
): Promise<AssembledServer> {
  const metrics = createMetrics();
  const report: Report = (event) => {
    metrics.observe(event);
    log(event);
  };
  const configured = settings.access && (await configuredAccess(settings, settings.access, report));
  const access = configured?.access ?? localAccess();
  return {
    parts: { version: context.version, access, metrics, report, faces: configured?.faces ?? [] },
    async reload() {
      configured?.reload();
    },
    async [Symbol.asyncDispose]() {
      await configured?.[Symbol.asyncDispose]();
    },
  };
}

/** What it takes is loaded where it is configured. */
async function configuredAccess(
  { name, data, limits }: ServerSettings,
  access: AccessSettings,
  report: Report,
): Promise<ConfiguredAccess> {
  const { createAccess } = await import("../../server/access/create-access.ts");
  return createAccess(access, {
    name,
    data,
    perUser: limits.requestsPerUser,
    perAddress: limits.requestsPerAddress,
    now: Date.now,
    report,
  });
}
