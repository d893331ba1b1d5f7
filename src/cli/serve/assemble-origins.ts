import { loadRegistriesD } from "../../config/load-registries-d.ts";
import { loadSystemRoots } from "../../config/load-system-roots.ts";
import { defaultLookasideFolder } from "../../config/lookaside-folder.ts";
import { createProxySelector } from "../../config/proxy.ts";
import { createHttpClient } from "../../registry/http/client.ts";
import type { ServedRepository } from "../../server/repository-name.ts";
import { backendOrigin } from "../../server/signatures/backend-origin.ts";
import type { SignatureOrigin } from "../../server/signatures/origin.ts";
import { registryOrigin } from "../../server/signatures/registry-origin.ts";
import { createSources } from "../../server/signatures/sources.ts";
import { createUpstreamOpener } from "../../server/upstream/open-upstream.ts";
import type { UpstreamConnection } from "../../server/upstream/upstream-client.ts";
import { clock } from "../clock.ts";
import { createLookasides } from "../lookasides.ts";
import type { AssembledBackends, AssemblyBase } from "./assemble-server.ts";

/** Finds where signatures of a repository come from besides those that are kept here. */
export type OpenOrigins = (repository: ServedRepository) => Promise<readonly SignatureOrigin[]>;

/**
 * What is attached in the registry of this server; what an upstream has by any way that its own clients have (its API,
 * the look-aside of registries.d, attachments, bundles); the look-asides of the configuration.
 */
export function assembleOrigins(
  base: AssemblyBase,
  { backendOf }: AssembledBackends,
  opened: AsyncDisposableStack,
): OpenOrigins {
  const { settings, environment, context, report } = base;
  const userAgent = `amphora/${context.version}`;
  const proxyFor = createProxySelector(environment);
  const roots = () => loadSystemRoots(environment).pem;
  const tls = () => ({ ca: roots(), clientCertificates: [], verify: true });
  const http = opened.use(
    createHttpClient({ connections: 8, proxyFor, proxyTls: tls, tlsFor: tls }),
  );
  const sources = createSources(settings.signatures.sources, { http, userAgent, onWarning });
  const places = createLookasides({
    registriesD: () => loadRegistriesD(environment, context.settings.registriesDirectory),
    defaultFolder: defaultLookasideFolder(environment),
    httpBeside: () => http,
    userAgent,
    onWarning,
  });
  const connect = createUpstreamOpener({
    clock,
    random: Math.random,
    report,
    userAgent,
    roots,
    proxyFor,
  });
  const connections = new Map<string, UpstreamConnection>();
  const connectionOf = (name: string): UpstreamConnection | undefined => {
    const known = connections.get(name);
    const found = settings.upstreams.find((upstream) => upstream.name === name);
    if (known || !found || found.offline) return known;
    const connection = opened.use(connect(found));
    connections.set(name, connection);
    return connection;
  };
  return async (repository) => {
    const own = repository.upstream === undefined;
    const { domain, path, upstream } = repository;
    const connection = upstream === undefined ? undefined : connectionOf(upstream);
    const origins = [...sources(repository)];
    if (own) origins.push(backendOrigin(backendOf(repository), repository));
    if (connection) {
      const endpoint = {
        reference: { domain, path },
        insecure: false,
        isMirror: false,
      };
      const there = connection.host(1).repository(path, "read");
      origins.push(registryOrigin(endpoint, there, await places(endpoint)));
    }
    return origins;
  };

  function onWarning(text: string): void {
    report({ type: "message", level: "warn", text });
  }
}
