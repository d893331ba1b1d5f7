import { dirname, join } from "node:path";
import { createGate } from "../../policy/gate.ts";
import type { PolicyOverlay } from "../../policy/overlay.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { createVerifiers } from "../../sigstore/create-verifiers.ts";
import type { Environment } from "../config/environment.ts";
import { rememberAnswers } from "../config/helper-memory.ts";
import { chooseForReading } from "../config/load-auth-paths.ts";
import { createHelperRunner } from "../config/load-credential-helper.ts";
import { createCredentialFinder } from "../config/load-credentials.ts";
import { loadEnvironment } from "../config/load-environment.ts";
import { readFile, readIfThere } from "../config/load-file.ts";
import { loadHostPlatform } from "../config/load-host-platform.ts";
import { loadPolicyFile, type PolicyFile } from "../config/load-policy-file.ts";
import { loadRegistriesConf } from "../config/load-registries-conf.ts";
import { loadRegistriesD } from "../config/load-registries-d.ts";
import { loadSystemRoots } from "../config/load-system-roots.ts";
import { createTlsLookup } from "../config/load-tls.ts";
import { loadTlsDetails } from "../config/load-tls-details.ts";
import { defaultLookasideFolder } from "../config/lookaside-folder.ts";
import { createProxySelector } from "../config/proxy.ts";
import { digestOf, hexOf } from "../core/digest.ts";
import type { Platform } from "../core/platform.ts";
import type { RegistryEvent } from "../registry/events.ts";
import { createHttpClient } from "../registry/http/client.ts";
import type { OpenShiftServer } from "../transport/atomic/openshift-client.ts";
import { createAtomicTransport } from "../transport/atomic/transport.ts";
import type { Transport } from "../transport/contract.ts";
import { createDirTransport } from "../transport/dir/transport.ts";
import type { FindSignaturePlaces } from "../transport/docker/signatures.ts";
import { createDockerTransport } from "../transport/docker/transport.ts";
import { createOciTransport } from "../transport/oci/transport.ts";
import { resolveImage, type TransportEntry } from "../transport/transports.ts";
import { prefixed } from "./errors.ts";
import { storeSpecifier } from "./local/store-choice.ts";
import { localTransports } from "./local-transports.ts";
import type { Log } from "./log.ts";
import { createLookasides } from "./lookasides.ts";
import type { AssemblyInput, LayerSettings, Parts } from "./parts.ts";
import { Registries } from "./registries.ts";
import type { EndSettings, GlobalSettings } from "./settings.ts";

/** Builds what commands work with: the one place where things are made and joined. */
export async function assemble(input: AssemblyInput): Promise<Parts> {
  const { settings, log, program } = input;
  const environment = loadEnvironment();
  const traffic = { requests: 0, retries: 0 };
  const opened: AsyncDisposable[] = [];
  const conf = once(() => loadRegistriesConf(environment, confOptions(settings)));
  const registriesD = once(() => loadRegistriesD(environment, settings.registriesDirectory));
  const runHelper = createHelperRunner(environment, { onDebug: (text) => log.debug(text) });
  const askHelper = rememberAnswers(runHelper, Date.now);
  const details =
    settings.tlsDetails === undefined ? undefined : loadTlsDetails(settings.tlsDetails);

  const connectCluster = once(async () => {
    const { loadKubeConfig } = await import("../config/load-kube-config.ts");
    const { tls, ...access } = await loadKubeConfig(environment);
    const proxyFor = createProxySelector(environment);
    const http = createHttpClient({ connections: 2, tlsFor: () => tls, proxyFor });
    opened.push(http);
    return { ...access, http };
  });

  const registriesOf = (end: EndSettings, coordinator = input.coordinator): Registries => {
    const { certificateDirectory } = end;
    const registries = new Registries({
      settings: end,
      registriesConf: async () => (await conf()).conf,
      findCredentials: async () =>
        createCredentialFinder({
          environment,
          registries: (await conf()).conf,
          choice: chooseForReading(environment, end.authFile),
          askHelper,
          credsStore: program === "amphora",
          onWarning: (text) => log.warning(text),
        }),
      tlsFor: createTlsLookup(environment, {
        ...(certificateDirectory !== undefined && { certificateDirectory }),
        ...(details && { details }),
      }),
      proxyFor: createProxySelector(environment),
      proxyTls: () => ({
        ca: loadSystemRoots(environment).pem,
        clientCertificates: [],
        verify: true,
      }),
      userAgent: userAgent(input),
      report: (event) => note(event, traffic, log),
      ...(input.reach && { reach: input.reach }),
      ...(coordinator && { coordinator }),
    });
    opened.push(registries);
    return registries;
  };

  const judging = {
    requireSigned: settings.requireSigned,
    verifiers: createVerifiers({ now: () => new Date() }),
    readKeyFile,
  };
  const gateOf = ({ path, bytes }: PolicyFile, overlay?: PolicyOverlay) => {
    const policyFile = { path, sha256: hexOf(digestOf(bytes)) };
    const context = { ...judging, policyFile, ...(overlay && { overlay }) };
    return createGate(parsePolicy(bytes, path), context);
  };

  const platform = wantedPlatform(environment, settings);
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
    async gate() {
      const { insecurePolicy, policyPath } = settings;
      if (insecurePolicy) return createGate(acceptAnything, judging);
      const policy = loadPolicyFile(environment, policyPath);
      return gateOf(policy, policyPath ? undefined : await readOverlay(policy.path));
    },
    gateOf,
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
      return openStore(await loadStorePlace(environment, isChosen ? choice : undefined), options);
    },
    traffic: () => ({ ...traffic }),
    async close() {
      for (const each of opened) await each[Symbol.asyncDispose]();
    },
  };
}

/** Beside the policy, where it is at its usual place: anybody may write beside one that is named. */
async function readOverlay(policyPath: string): Promise<PolicyOverlay | undefined> {
  const path = join(dirname(policyPath), "x-policy.json");
  const bytes = readIfThere(path);
  if (!bytes) return undefined;
  const { parseOverlay } = await import("../../policy/parse-overlay.ts");
  return parseOverlay(bytes, path);
}

async function readKeyFile(path: string): Promise<Uint8Array> {
  return readFile(path);
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

/** skopeo's own where it stands in for it: some firewalls know it by that. */
function userAgent({ program, version, settings }: AssemblyInput): string {
  const own = program === "skopeo" ? "skopeo/1.22.0" : `amphora/${version}`;
  return settings.userAgentPrefix === undefined ? own : `${settings.userAgentPrefix} ${own}`;
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

function note(
  event: RegistryEvent,
  traffic: { requests: number; retries: number },
  log: Log,
): void {
  switch (event.type) {
    case "answered":
      traffic.requests++;
      log.debug(`${event.method} ${event.url}: ${event.status}`);
      return;
    case "retrying":
      traffic.retries++;
      log.debug(`${event.method} ${event.url}: again in ${event.delayMs} ms: ${event.reason}`);
      return;
    case "resuming":
      traffic.retries++;
      log.debug(`${event.side} of ${event.digest} goes on at ${event.offset}: ${event.reason}`);
      return;
    case "paused":
      log.debug(`${event.host} asked to wait ${event.delayMs} ms`);
      return;
    case "held":
      log.info(
        `${event.host}: ${event.pullsLeft} pulls are left, which are kept: waiting ${Math.ceil(event.delayMs / 1000)} s`,
      );
      return;
    case "warning":
      log.warning(
        `Warning from registry (first encountered at ${JSON.stringify(event.url)}): ${JSON.stringify(event.text)}`,
      );
      return;
    case "notice":
      log.warning(event.text);
      return;
    case "rate-limit":
      log.debug(`${event.host}: rate limit ${JSON.stringify(event.rateLimit)}`);
      return;
  }
}
