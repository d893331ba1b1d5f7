import type { Environment } from "../../config/environment.ts";
import { loadEnvironment } from "../../config/load-environment.ts";
import { inFile } from "../../config/setting-shape.ts";
import type { Repository } from "../../registry/repository.ts";
import { admissionApi } from "../../server/admission/api.ts";
import type { ServerAdmission } from "../../server/admission/create-admission.ts";
import type { AuditLog } from "../../server/audit.ts";
import { createMetrics, type Metrics } from "../../server/metrics/metrics.ts";
import type { ServedRepository } from "../../server/repository-name.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { callerOf } from "../../server/shell/faces.ts";
import type { ServerParts } from "../../server/shell/start-server.ts";
import type { RegistryStore } from "../../server/store/registry-store.ts";
import type { RefusalOf } from "../../server/upstream/replication.ts";
import { routeRepository } from "../../server/upstream/route.ts";
import type { Backend } from "../../server/v2/backend.ts";
import { createV2Face } from "../../server/v2/face.ts";
import type { V2Limits, V2Parts } from "../../server/v2/parts.ts";
import { nameForRights } from "../../server/v2/rights.ts";
import type { CommandContext } from "../context.ts";
import { assembleAccess } from "./assemble-access.ts";
import { assembleAdmission } from "./assemble-admission.ts";
import { assembleAudit } from "./assemble-audit.ts";
import { assembleBackends } from "./assemble-backends.ts";
import { assembleJobs } from "./assemble-jobs.ts";
import { assemblePage } from "./assemble-page.ts";
import { assembleSignatures } from "./assemble-signatures.ts";
import { assembleSigning } from "./assemble-signing.ts";
import type { FaceName } from "./face-names.ts";
import { asStartFailure } from "./start-failure.ts";

/** The server's parts, joined. */
export interface AssembledServer extends AsyncDisposable {
  readonly parts: ServerParts;
  /**
   * Reads again what is read from files, and goes by the rules, users, mirrors and schedules of other settings. Gives the
   * members of the settings that are only heeded at the next start.
   *
   * @throws {ServerError} `server.bad-file`, {ConfigError} `config.invalid`; all of these stay as they were then
   */
  reload(next: ServerSettings): Promise<readonly string[]>;
  /** The server listens at these URLs: what it does by itself may begin. */
  begin(urls: readonly string[]): void;
}

/** What the server is assembled for. */
export interface AssemblyRequest {
  /** One face alone; undefined: all. */
  readonly only: FaceName | undefined;
  readonly log: Report;
  readonly context: CommandContext;
}

/** What its parts are given. */
export interface AssemblyBase {
  readonly settings: ServerSettings;
  readonly environment: Environment;
  readonly context: CommandContext;
  readonly report: Report;
  readonly now: () => number;
}

/**
 * Builds the parts of the server and joins them; the one place that knows them all. Disposing ends them in order.
 *
 * @throws {ServerError} `server.bad-file` where what it keeps cannot be had or written
 */
export async function assembleServer(
  settings: ServerSettings,
  request: AssemblyRequest,
): Promise<AssembledServer> {
  try {
    return await assemble(settings, request);
  } catch (error) {
    throw asStartFailure(error, settings.data);
  }
}

async function assemble(
  settings: ServerSettings,
  { only, log, context }: AssemblyRequest,
): Promise<AssembledServer> {
  const metrics = createMetrics();
  const report = reportTo(metrics, log);
  const environment = loadEnvironment();
  const base: AssemblyBase = { settings, environment, context, report, now: Date.now };
  await using opened = new AsyncDisposableStack();
  const audit = await assembleAudit(base);
  if (audit) noteLife(opened.use(audit), context.version, opened);
  const { access, faces, ...who } = await assembleAccess(base, opened);
  const route = router(settings);
  // Pushes that wait are passed on by the backends; whether they may be is known when admission is there.
  const judging = Promise.withResolvers<ServerAdmission>();
  const refusalOf: RefusalOf = async (...asked) =>
    (await (await judging.promise).blockAgainst(...asked))?.reason;
  const backends = await assembleBackends(base, refusalOf, opened);
  metrics.watch(backends.figures);
  const joined = { ...backends, route, access, audit, only };
  const signed = assembleSignatures(base, joined, opened);
  const { signatures, backendOf } = signed;
  const judge = assembleAdmission(
    base,
    { ...backends, backendOf, route, signatures, audit },
    opened,
  );
  judging.resolve(judge);
  const { admission, signing, ...signer } = await assembleSigning(
    base,
    { ...backends, backendOf, route, access, admission: judge, signatures },
    opened,
  );
  const v2: V2Parts = {
    route,
    backendOf,
    catalog: backends.store,
    access,
    admission,
    ...(signing && { signing }),
    ...(audit && { audit }),
    signaturesApi: settings.signatures.api,
    report,
    limits: limitsOf(settings),
    now: () => performance.now(),
  };
  const browsers = assemblePage(base, access);
  const jobs = servesJobs(only)
    ? await assembleJobs(
        base,
        { access: browsers.access, audit, metrics, blocks: judge.blocks },
        opened,
      )
    : undefined;
  const api = admissionApi({
    admission: judge,
    access: browsers.access,
    callerOf,
    domains: [settings.name, ...settings.upstreams.map(({ name }) => name)],
    mayBeCopied: (domain) => jobs?.mayName(domain) ?? false,
    nameForRights: (repository) => nameForRights({ route }, repository),
    ...(audit && { audit }),
  });
  const kept = opened.move();
  return {
    parts: {
      version: context.version,
      access: browsers.access,
      metrics,
      report,
      ...(servesRegistry(only) && { registry: createV2Face(v2) }),
      faces: [
        ...faces,
        ...(servesRegistry(only) || only === "signatures" ? signed.faces : []),
        ...(servesRegistry(only) ? signer.faces : []),
        ...(servesRegistry(only) || only === "page" ? [api] : []),
        ...(jobs?.faces ?? []),
        ...(only === undefined || only === "page" ? browsers.faces : []),
      ],
      readiness: async () =>
        audit?.trouble ??
        (await backends.trouble()) ??
        (servesRegistry(only) ? undefined : jobs?.trouble()),
    },
    async reload(next) {
      judge.reload();
      const work = await jobs?.reload(next);
      const ofUsers = who.change(next.access);
      work?.apply();
      return [...otherwiseChanged(settings, next), ...(work?.later ?? []), ...ofUsers];
    },
    begin: (urls) => jobs?.begin(urls),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const knowThemselves = new Set<keyof ServerSettings>(["access", "jobs", "mirrors", "schedules"]);

function servesRegistry(only: FaceName | undefined): boolean {
  return only === undefined || only === "registry";
}

function servesJobs(only: FaceName | undefined): boolean {
  return only === undefined || only === "jobs" || only === "page";
}

/** Of access and jobs, the parts themselves know. */
function otherwiseChanged(before: ServerSettings, after: ServerSettings): readonly string[] {
  return (Object.keys(after) as (keyof ServerSettings)[])
    .filter((name) => !knowThemselves.has(name))
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map(inFile);
}

/** Its last line is that of the end. */
function noteLife(audit: AuditLog, version: string, opened: AsyncDisposableStack): void {
  audit.note({ type: "started", detail: `version ${version}` });
  opened.defer(() => audit.note({ type: "stopped" }));
}

function reportTo(metrics: Metrics, log: Report): Report {
  return (event) => {
    metrics.observe(event);
    log(event);
  };
}

function router({ name, upstreams }: ServerSettings): V2Parts["route"] {
  const table = { own: name, upstreams };
  return (asked) => routeRepository(table, asked);
}

function limitsOf({ limits }: ServerSettings): Partial<V2Limits> {
  return {
    maxManifestBytes: limits.manifestBytes,
    idleMs: limits.idleFor,
    ...(limits.blobBytes > 0 && { maxBlobBytes: limits.blobBytes }),
  };
}

/** Where repositories are. */
export interface AssembledBackends {
  readonly store: RegistryStore;
  backendOf(repository: ServedRepository): Backend;
  /** Of a repository with an upstream, for what is read of it besides. */
  clientOf(repository: ServedRepository): Repository;
  readonly figures: Parameters<Metrics["watch"]>[0];
  /** Why nothing can be kept now; undefined: all is well. */
  trouble(): Promise<string | undefined>;
}
