import { type AuthFileChoice, chooseForLogin } from "../config/load-auth-paths.ts";
import { createHelperRunner } from "../config/load-credential-helper.ts";
import { type CredentialStore, createCredentialStore } from "../config/load-credential-store.ts";
import { createCredentialFinder, type FindCredentials } from "../config/load-credentials.ts";
import { loadRegistriesConf } from "../config/load-registries-conf.ts";
import { UsageError } from "../core/errors.ts";
import type { CommandContext } from "./context.ts";
import { withPrefix } from "./errors.ts";
import type { EndSettings } from "./settings.ts";

/** Where login and logout look credentials up and keep them. */
export interface LoginStore {
  readonly find: FindCredentials;
  readonly store: CredentialStore;
}

/** The auth file's flags, as given; empty ones count as not given. */
export function authFileFlags({ flags }: CommandContext): AuthFileChoice {
  const authFile = flags.string("authfile");
  const compatAuthFile = flags.string("compat-auth-file");
  return {
    ...(authFile !== "" && { authFile }),
    ...(compatAuthFile !== "" && { compatAuthFile }),
  };
}

/**
 * @param during what to say was being done, where registries.conf cannot be read
 * @throws {ConfigError}
 */
export async function openLoginStore(
  context: CommandContext,
  during?: string,
): Promise<LoginStore> {
  const { log, settings } = context;
  const { environment } = await context.parts();
  const onWarning = (text: string) => log.warning(text);
  const choice = chooseForLogin(environment, authFileFlags(context), onWarning);
  const { registriesConf } = settings;
  const options = registriesConf === undefined ? {} : { file: registriesConf };
  const load = () => loadRegistriesConf(environment, options);
  const { conf: registries } = await (during === undefined ? load() : withPrefix(during, load));
  const askHelper = createHelperRunner(environment, { onDebug: (text) => log.debug(text) });
  const shared = { environment, registries, choice, askHelper };
  const credsStore = context.program === "amphora";
  return {
    find: createCredentialFinder({ ...shared, credsStore, onWarning }),
    store: createCredentialStore(shared),
  };
}

/** How login and logout reach the registry. */
export function loginEndSettings({ flags, globals }: CommandContext): EndSettings {
  const tlsVerify = flags.optionalBool("tls-verify") ?? globals.optionalBool("tls-verify");
  const directory = flags.has("cert-dir") ? flags.string("cert-dir") : "";
  return {
    retryTimes: 0,
    retryDelayMs: 0,
    ...(tlsVerify !== undefined && { tlsVerify }),
    ...(directory !== "" && { certificateDirectory: directory }),
  };
}

/** The one registry named. @throws {UsageError} `usage.bad-flag` where there is none, or more */
export function oneRegistry(args: readonly string[], command: "login" | "logout"): string {
  const [registry] = args;
  const [doing, to] = command === "login" ? ["log in", "to"] : ["log out", "from"];
  if (registry === undefined)
    throw new UsageError("usage.bad-flag", `please provide a registry to ${doing} ${to}`);
  if (args.length > 1)
    throw new UsageError(
      "usage.bad-flag",
      `${command} accepts only one registry to ${doing} ${to}`,
    );
  return registry;
}
