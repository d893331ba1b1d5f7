import type { RequestListener } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Access } from "../access.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { metricsFace } from "../metrics/metrics-face.ts";
import type { Report } from "../server-event.ts";
import type { ServerSettings } from "../settings.ts";
import { type App, buildApp } from "./build-app.ts";
import { changeTls, type Door, type DoorPlace, openDoor } from "./doors.ts";
import type { Face } from "./faces.ts";
import { healthFace, type Readiness } from "./health-face.ts";
import { isRegistryPath, originForm } from "./registry-paths.ts";
import { loadTls } from "./tls-context.ts";
import { createTraffic, type Traffic } from "./traffic.ts";
import { type FileWatch, watchFiles } from "./watch-files.ts";

/** What the server serves, and with what. */
export interface ServerParts {
  /** Answers `/v2/…`; without one nobody does. */
  readonly registry?: RequestListener;
  readonly faces: readonly Face[];
  readonly access: Access;
  readonly metrics: Metrics;
  readonly report: Report;
  /** Of the program. */
  readonly version: string;
  /** Why no requests are wanted for other reasons than that we are about to end. */
  readonly readiness?: Readiness;
}

/** Sockets that were opened for us; they take the place of those that the settings name. */
export interface HandedSockets {
  readonly main: readonly number[];
  readonly metrics: readonly number[];
}

/** A server that listens. */
export interface RunningServer {
  /** Where, as URLs: `http://127.0.0.1:5000`, `unix:/run/x.sock`. */
  readonly urls: readonly string[];
  readonly metricsUrls: readonly string[];
  /** Reads the certificate again. */
  reload(): Promise<void>;
  /** Takes no more connections, and lets what runs come to its end. Gives how many requests had to be cut off. */
  stop(): Promise<number>;
}

/**
 * Listens, and answers until stopped.
 *
 * @throws {ServerError} `server.cannot-listen`, `server.bad-file`; nothing listens then
 */
export async function startServer(
  settings: ServerSettings,
  parts: ServerParts,
  handed: HandedSockets = { main: [], metrics: [] },
): Promise<RunningServer> {
  const traffic = createTraffic();
  const apps = await buildApps(settings, parts, traffic);
  const main: Door[] = [];
  const metrics: Door[] = [];
  const tls = settings.tls && {
    ...(await loadTls(settings.tls)),
    requireClientCert: settings.tls.requireClientCert,
  };
  const handle = traffic.counted(dispatcher(parts.registry, apps.main.handle));
  const options = { limits: settings.limits, ...(tls && { tls }) };
  try {
    for (const place of places(handed.main, settings.listen))
      main.push(await openDoor(place, handle, options));
    const own = settings.metrics.listen ? [settings.metrics.listen] : [];
    for (const place of places(handed.metrics, own))
      metrics.push(await openDoor(place, apps.metrics.handle, { limits: settings.limits }));
  } catch (error) {
    for (const { server } of [...main, ...metrics]) server.close();
    throw error;
  }
  const certificate = certificateOf(settings, main, parts.report);
  return {
    urls: main.map(({ url }) => url),
    metricsUrls: metrics.map(({ url }) => url),
    reload: async () => certificate?.check(),
    stop: async () => {
      traffic.beginDraining();
      await sleep(settings.shutdown.announce);
      certificate?.[Symbol.dispose]();
      const servers = main.map(({ server }) => server);
      const cut = await traffic.end(servers, settings.shutdown.within);
      for (const { server } of metrics) server.close().closeAllConnections();
      await Promise.all([apps.main.close(), apps.metrics.close()]);
      return cut;
    },
  };
}

async function buildApps(
  settings: ServerSettings,
  { access, report, metrics, faces, readiness, version }: ServerParts,
  traffic: Traffic,
): Promise<{ readonly main: App; readonly metrics: App }> {
  const health = healthFace(() => (traffic.draining ? "about to end" : readiness?.()));
  const own = settings.metrics.listen !== undefined;
  const mainFaces = [health, ...(own ? [] : [metricsFace(metrics)]), ...faces];
  const main = await buildApp({ access, report, version, faces: mainFaces });
  const figures = [health, metricsFace(metrics, { open: true })];
  if (!own) return { main, metrics: main };
  return { main, metrics: await buildApp({ access, report, version, faces: figures }) };
}

function places(handed: readonly number[], set: readonly DoorPlace[]): readonly DoorPlace[] {
  if (handed.length === 0) return set;
  return handed.map((descriptor) => ({ type: "descriptor", descriptor }));
}

/** The registry's requests go past everything else. */
function dispatcher(registry: RequestListener | undefined, app: RequestListener): RequestListener {
  return (request, response) => {
    const url = originForm(request.url ?? "");
    if (url === undefined) return void response.writeHead(400, { Connection: "close" }).end();
    request.url = url;
    if (registry && isRegistryPath(url)) return registry(request, response);
    if (request.headers.expect !== undefined) response.writeContinue();
    app(request, response);
  };
}

/** Keeps the certificate that is in the files; one that cannot be used changes nothing. */
function certificateOf(
  { tls }: ServerSettings,
  doors: readonly Door[],
  report: Report,
): FileWatch | undefined {
  if (!tls) return undefined;
  const files = [tls.cert, tls.key, tls.clientCa].filter((path) => path !== undefined);
  return watchFiles(files, async () => {
    try {
      changeTls(doors, await loadTls(tls));
      report({ type: "message", level: "info", text: "certificate read again" });
    } catch (error) {
      report({ type: "message", level: "error", text: "certificate not changed", error });
    }
  });
}
