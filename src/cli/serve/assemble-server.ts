import { localAccess } from "../../server/access/local-access.ts";
import { createMetrics } from "../../server/metrics/metrics.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { ServerParts } from "../../server/shell/start-server.ts";
import type { FaceName } from "./face-names.ts";

/** The server's parts, joined. */
export interface AssembledServer extends AsyncDisposable {
  readonly parts: ServerParts;
  /** Reads again what is read from files. */
  reload(): Promise<void>;
}

/** Builds the parts of the server and joins them; the one place that knows them all. */
export async function assembleServer(
  settings: ServerSettings,
  _only: FaceName | undefined,
  log: Report,
): Promise<AssembledServer> {
  const metrics = createMetrics();
  const report: Report = (event) => {
    metrics.observe(event);
    log(event);
  };
  const access = localAccess();
  return {
    parts: { access, metrics, report, faces: [] },
    async reload() {},
    async [Symbol.asyncDispose]() {},
  };
}
