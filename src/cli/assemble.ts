import type { Environment } from "../config/environment.ts";
import { loadEnvironment } from "../config/load-environment.ts";
import { loadHostPlatform } from "../config/load-host-platform.ts";
import { loadRegistriesConf } from "../config/load-registries-conf.ts";
import { loadRegistriesD } from "../config/load-registries-d.ts";
import { defaultLookasideFolder } from "../config/lookaside-folder.ts";
import { createProxySelector } from "../config/proxy.ts";
import type { Platform } from "../core/platform.ts";
import { createHttpClient } from "../registry/http/client.ts";
import type { Coordinator } from "../sync/coordinator.ts";
import type { OpenShiftServer } from "../transport/atomic/openshift-client.ts";
import { createAtomicTransport } from "../transport/atomic/transport.ts";
import type { Transport } from "../transport/contract/transport.ts";
import { createDirTransport } from "../transport/dir/transport.ts";
import type { FindSignaturePlaces } from "../transport/docker/signatures.ts";
import { createDockerTransport } from "../transport/docker/transport.ts";
import { createOciTransport } from "../transport/oci/transport.ts";
import { resolveImage, type TransportEntry } from "../transport/transports.ts";
import { prefixed } from "./errors.ts";
import { createGates } from "./gates.ts";
import { storeSpecifier } from "./local/store-choice.ts";
import { localTransports, warnOnce } from "./local-transports.ts";
import { createLookasides } from "./lookasides.ts";
import type { AssemblyInput, LayerSettings, Parts } from "./parts.ts";
import type { Registries } from "./registries.ts";
import { registriesMaker, userAgent } from "./registries-maker.ts";
import { createRegistryLog } from "./registry-log.ts";
import type { EndSettings, GlobalSettings } from "./settings.ts";

/** Builds what commands work with: the one place where all is joined. */
export async function assemble(input: AssemblyInput): Promise<Parts> {
  const { settings, log } = input;
  const environment = loadEnvironment();
  const opened: AsyncDisposable[] = [];
  const conf = once(() => loadRegistriesConf(environment, confOptions(settings)));
  const registriesD = once(() => loadRegistriesD(environment, settings.registriesDirectory));
  const registryLog = createRegistryLog(log);
  const makeRegistries = registriesMaker(input, {
    environment,
    registriesConf: async () => (await conf()).conf,
    report: registryLog.report,
  });

  const connectCluster = once(async () => {
    const { loadKubeConfig } = await import("../config/load-kube-config.ts");
    const { tls, ...access } = await loadKubeConfig(environment);
    const proxyFor = createProxySelector(environment);
    const http = createHttpClient({ connections: 2, tlsFor: () => tls, proxyFor });
    opened.push(http);
    return { ...access, http };
  });

  const registriesOf = (end: EndSettings, coordinator?: Coordinator) => {
    const registries = makeRegistries(end, coordinator);
    opened.push(registries);
    return registries;
  };

  const platform = wantedPlatform(environment, settings);
  const told = new Set<string>();
  return {
    environment,
    platform,
    async end(end, layers, coordinator) {
      const registries = registriesOf(end, coordinator);
      const places = createLookasides({
        registriesD,
        defaultFolder: defaultLookasideFolder(environment),
        httpBeside: (endpoint) => registries.beside(endpoint),
        userAgent: userAgent(input),
        onWarning: (text) => log.warning(text),
        onDebug: (text) => log.debug(text),
      });
      const local = {
        input,
        environment,
        platform,
        end,
        layers,
        told,
        keep: (client: AsyncDisposable) => opened.push(client),
      };
      const transports: ReadonlyMap<string, TransportEntry> = new Map([
        ...transportsOf(input, { registries, places, connectCluster }, end, layers),
        ...localTransports(local),
      ]);
      return {
        resolve: (text, as, options) => resolveImage(transports, text, as, options),
        signaturePlaces: async (reference) => places(await registries.toWrite(reference)),
      };
    },
    ...createGates(environment, settings),
    async checkLogin(registry, credentials, end, { signal }) {
      const { settingsOf } = await import("../config/endpoints.ts");
      const { insecure, refusal } = settingsOf((await conf()).conf, registry);
      if (refusal) throw prefixed("creating new docker client", refusal);
      const domain = registry.split("/", 1)[0] ?? registry;
      await registriesOf(end).host(domain, insecure, credentials).checkCredentials({ signal });
    },
    shortNames: async () => (await conf()).conf,
    async store(choice, options) {
      const { loadStorePlace } = await import("../config/load-store-place.ts");
      const { openStore } = await import("../storage/open-store.ts");
      const isChosen = storeSpecifier(choice) !== "";
      const request = isChosen ? choice : undefined;
      const notes = { warn: warnOnce(log, told) };
      return openStore(await loadStorePlace(environment, request, notes), options);
    },
    traffic: () => registryLog.traffic(),
    async close() {
      for (const each of opened) await each[Symbol.asyncDispose]();
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function confOptions({ registriesConf }: GlobalSettings): { readonly file?: string } {
  return registriesConf === undefined ? {} : { file: registriesConf };
}

/** The host's variant counts only where the architecture is the host's. */
function wantedPlatform(environment: Environment, settings: GlobalSettings): Platform {
  const { overrideArchitecture, overrideOs, overrideVariant } = settings;
  const host = loadHostPlatform(environment);
  const variant =
    overrideVariant ?? (overrideArchitecture === undefined ? host.variant : undefined);
  return {
    os: overrideOs ?? host.os,
    architecture: overrideArchitecture ?? host.architecture,
    ...(variant !== undefined && { variant }),
  };
}

/** How transports reach what is not on this machine. */
interface Reach {
  readonly registries: Registries;
  readonly places: FindSignaturePlaces;
  readonly connectCluster: () => Promise<OpenShiftServer>;
}

function transportsOf(
  { program }: AssemblyInput,
  { registries, places, connectCluster }: Reach,
  { sharedBlobDirectory }: EndSettings,
  layers: LayerSettings | undefined,
): ReadonlyMap<string, Transport> {
  const docker = createDockerTransport({
    endpoints: registries,
    tagAndDigest: program === "amphora",
    signaturePlaces: places,
  });
  const transports = [
    docker,
    createAtomicTransport({ docker, connect: connectCluster }),
    createOciTransport({
      acceptUncompressedLayers: layers?.acceptUncompressed ?? false,
      ...(sharedBlobDirectory !== undefined && {
        sourceSharedBlobDir: sharedBlobDirectory,
        destinationSharedBlobDir: sharedBlobDirectory,
      }),
    }),
    createDirTransport({
      compress: layers?.compress ?? false,
      decompress: layers?.decompress ?? false,
    }),
  ];
  return new Map(transports.map((transport) => [transport.name, transport]));
}
