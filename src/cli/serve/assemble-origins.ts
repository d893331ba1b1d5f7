import { loadRegistriesD } from "../../config/load-registries-d.ts";
import { loadSystemRoots } from "../../config/load-system-roots.ts";
import { defaultLookasideFolder } from "../../config/lookaside-folder.ts";
import { createProxySelector } from "../../config/proxy.ts";
import type { RegistriesD } from "../../config/registries-d.ts";
import { createHttpClient } from "../../registry/http/client.ts";
import type { ServedRepository } from "../../server/repository-name.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { createOpenOrigins } from "../../server/signatures/open-origins.ts";
import type { SignatureOrigin } from "../../server/signatures/origin.ts";
import { registryOrigin } from "../../server/signatures/registry-origin.ts";
import { createSources } from "../../server/signatures/sources.ts";
import { createLookasides } from "../lookasides.ts";
import type { AssembledBackends, AssemblyBase } from "./assemble-server.ts";

const connections = 16;
/** registries.d is read again after so long. */
const registriesForMs = 10_000;

/** Where signatures come from besides the store: upstreams, our own registry, and look-asides of the configuration. */
export function assembleOrigins(
  base: AssemblyBase,
  { store, clientOf }: AssembledBackends,
  opened: AsyncDisposableStack,
): (repository: ServedRepository) => Promise<readonly SignatureOrigin[]> {
  const { settings, environment, context, report } = base;
  const roots = () => loadSystemRoots(environment).pem;
  const http = opened.use(
    createHttpClient({
      connections,
      proxyFor: createProxySelector(environment),
      proxyTls: () => ({ ca: roots(), clientCertificates: [], verify: true }),
      tlsFor: () => ({ ca: roots(), clientCertificates: [], verify: true }),
    }),
  );
  const options = {
    http,
    userAgent: `amphora/${context.version}`,
    onWarning: (text: string) => report({ type: "message", level: "warn", text }),
  };
  const placesOf = createLookasides({
    ...options,
    registriesD: readRegistries(base),
    defaultFolder: defaultLookasideFolder(environment),
    httpBeside: () => http,
  });
  return createOpenOrigins({
    own: store,
    sources: createSources(settings.signatures.sources, options),
    async openUpstream(repository) {
      const { domain, path } = repository;
      const reference = { domain, path };
      const places = await placesOf({ reference, insecure: false, isMirror: false });
      const read = { ...places, attachments: true };
      const origin = registryOrigin({ reference }, clientOf(repository), read);
      return { ...origin, offline: isOffline(settings, repository) };
    },
  });
}

function readRegistries({ environment, context, now }: AssemblyBase): () => Promise<RegistriesD> {
  let read: { readonly found: Promise<RegistriesD>; readonly at: number } | undefined;
  return () => {
    if (!read || now() - read.at >= registriesForMs) {
      const found = loadRegistriesD(environment, context.settings.registriesDirectory);
      read = { found, at: now() };
    }
    return read.found;
  };
}

function isOffline({ upstreams }: ServerSettings, { upstream }: ServedRepository): boolean {
  return upstreams.some(({ name, offline }) => name === upstream && offline);
}
