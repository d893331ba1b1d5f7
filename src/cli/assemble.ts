import { createGate } from "../../policy/gate.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { acceptAnything } from "../../policy/policy.ts";
import type { Environment } from "../config/environment.ts";
import { rememberAnswers } from "../config/helper-memory.ts";
import { chooseForReading } from "../config/load-auth-paths.ts";
import { createHelperRunner } from "../config/load-credential-helper.ts";
import { createCredentialFinder } from "../config/load-credentials.ts";
import { loadEnvironment } from "../config/load-environment.ts";
import { loadHostPlatform } from "../config/load-host-platform.ts";
import { loadPolicyFile } from "../config/load-policy-file.ts";
import { loadRegistriesConf } from "../config/load-registries-conf.ts";
import { loadSystemRoots } from "../config/load-system-roots.ts";
import { createTlsLookup } from "../config/load-tls.ts";
import { loadTlsDetails } from "../config/load-tls-details.ts";
import { defaultLookasideFolder } from "../config/lookaside-folder.ts";
import { createProxySelector } from "../config/proxy.ts";
import type { Platform } from "../core/platform.ts";
import type { RegistryEvent } from "../registry/events.ts";
import type { Transport } from "../transport/contract.ts";
import { createDirTransport } from "../transport/dir/transport.ts";
import { readDefaultLookaside } from "../transport/docker/default-lookaside.ts";
import { createDockerTransport } from "../transport/docker/transport.ts";
import { createOciTransport } from "../transport/oci/transport.ts";
import { resolveImage } from "../transport/transports.ts";
import { prefixed } from "./errors.ts";
import type { Log } from "./log.ts";
import type { AssemblyInput, End, LayerSettings, Parts } from "./parts.ts";
import { Registries } from "./registries.ts";
import type { EndSettings, GlobalSettings } from "./settings.ts";

/** Builds what commands work with: the one place where things are made and joined. */
export async function assemble(input: AssemblyInput): Promise<Parts> {
  const { settings, log, program } = input;
  const environment = loadEnvironment();
  const traffic = { requests: 0, retries: 0 };
  const opened: Registries[] = [];
  const conf = once(() => loadRegistriesConf(environment, confOptions(settings)));
  const runHelper = createHelperRunner(environment, { onDebug: (text) => log.debug(text) });
  const askHelper = rememberAnswers(runHelper, Date.now);
  const details =
    settings.tlsDetails === undefined ? undefined : loadTlsDetails(settings.tlsDetails);

  const registriesOf = (end: EndSettings): Registries => {
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
    });
    opened.push(registries);
    return registries;
  };

  return {
    environment,
    platform: wantedPlatform(environment, settings),
    async end(end, layers) {
      return endOf(transportsOf(input, environment, registriesOf(end), end, layers));
    },
    async gate() {
      const { requireSigned, insecurePolicy, policyPath } = settings;
      if (insecurePolicy) return createGate(acceptAnything, { requireSigned });
      const { path, bytes } = loadPolicyFile(environment, policyPath);
      return createGate(parsePolicy(bytes, path), { requireSigned });
    },
    async checkLogin(registry, credentials, end, { signal }) {
      const { settingsOf } = await import("../config/endpoints.ts");
      const { insecure, refusal } = settingsOf((await conf()).conf, registry);
      if (refusal) throw prefixed("creating new docker client", refusal);
      const domain = registry.split("/", 1)[0] ?? registry;
      await registriesOf(end).host(domain, insecure, credentials).checkCredentials({ signal });
    },
    traffic: () => ({ ...traffic }),
    async close() {
      for (const registries of opened) await registries[Symbol.asyncDispose]();
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

function endOf(transports: ReadonlyMap<string, Transport>): End {
  return { resolve: (text, as, options) => resolveImage(transports, text, as, options) };
}

function transportsOf(
  { program }: AssemblyInput,
  environment: Environment,
  registries: Registries,
  { sharedBlobDirectory }: EndSettings,
  layers: LayerSettings | undefined,
): ReadonlyMap<string, Transport> {
  const lookaside = defaultLookasideFolder(environment);
  const transports = [
    createDockerTransport({
      endpoints: registries,
      tagAndDigest: program === "amphora",
      readSignatures: (reference, manifest) => readDefaultLookaside(lookaside, reference, manifest),
    }),
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
