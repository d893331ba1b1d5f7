import type { Environment } from "../config/environment.ts";
import { rememberAnswers } from "../config/helper-memory.ts";
import { chooseForReading } from "../config/load-auth-paths.ts";
import { createHelperRunner } from "../config/load-credential-helper.ts";
import { createCredentialFinder } from "../config/load-credentials.ts";
import { loadSystemRoots } from "../config/load-system-roots.ts";
import { createTlsLookup } from "../config/load-tls.ts";
import { loadTlsDetails } from "../config/load-tls-details.ts";
import { createProxySelector } from "../config/proxy.ts";
import type { RegistriesConf } from "../config/registries-conf.ts";
import type { ReportRegistry } from "../registry/events.ts";
import type { Coordinator } from "../sync/coordinator.ts";
import type { AssemblyInput } from "./parts.ts";
import { Registries } from "./registries.ts";
import type { EndSettings } from "./settings.ts";

/** What the registries of all ends have in common. */
export interface RegistriesShared {
  readonly environment: Environment;
  readonly registriesConf: () => Promise<RegistriesConf>;
  readonly report: ReportRegistry;
}

/** Makes the registries of one end; without a coordinator, with the one of the whole run. Close them. */
export type MakeRegistries = (end: EndSettings, coordinator?: Coordinator) => Registries;

/**
 * Credentials, certificates and proxies as this machine's files and the run's settings say.
 *
 * @throws {ConfigError} where the file of `--tls-details` cannot be read
 */
export function registriesMaker(
  input: AssemblyInput,
  { environment, registriesConf, report }: RegistriesShared,
): MakeRegistries {
  const { settings, log, program } = input;
  const runHelper = createHelperRunner(environment, { onDebug: (text) => log.debug(text) });
  const askHelper = rememberAnswers(runHelper, Date.now);
  const details =
    settings.tlsDetails === undefined ? undefined : loadTlsDetails(settings.tlsDetails);
  return (end, coordinator = input.coordinator) => {
    const { certificateDirectory } = end;
    return new Registries({
      settings: end,
      registriesConf,
      findCredentials: async () =>
        createCredentialFinder({
          environment,
          registries: await registriesConf(),
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
      report,
      ...(input.reach && { reach: input.reach }),
      ...(coordinator && { coordinator }),
    });
  };
}

/** skopeo's own where it stands in for it: some firewalls know it by that. */
export function userAgent({ program, version, settings }: AssemblyInput): string {
  const own = program === "skopeo" ? "skopeo/1.22.0" : `amphora/${version}`;
  return settings.userAgentPrefix === undefined ? own : `${settings.userAgentPrefix} ${own}`;
}
