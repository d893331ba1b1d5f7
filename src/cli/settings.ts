import { UsageError } from "../core/errors.ts";
import type { FlagValues } from "./flags.ts";
import type { Side } from "./specs/groups.ts";

/** What the program's own flags say. */
export interface GlobalSettings {
  /** 0: no limit. */
  readonly commandTimeoutMs: number;
  readonly debug: boolean;
  readonly insecurePolicy: boolean;
  readonly requireSigned: boolean;
  readonly overrideArchitecture?: string;
  readonly overrideOs?: string;
  readonly overrideVariant?: string;
  readonly policyPath?: string;
  readonly registriesDirectory?: string;
  readonly registriesConf?: string;
  readonly temporaryDirectory?: string;
  readonly userAgentPrefix?: string;
  /** The deprecated `--tls-verify` of the program, under whatever an end says itself. */
  readonly tlsVerify?: boolean;
  readonly tlsDetails?: string;
  readonly logFormat: "text" | "json";
}

/** Who to be at a registry; "nobody" where the user wants none of the stored credentials. */
export type EndCredentials = { readonly username: string; readonly password: string } | "nobody";

/** What the flags say of one end of a run. Absent members leave it to configuration. */
export interface EndSettings {
  /** "" is a choice too: the default files, whatever REGISTRY_AUTH_FILE says. */
  readonly authFile?: string;
  readonly credentials?: EndCredentials;
  readonly registryToken?: string;
  readonly certificateDirectory?: string;
  /** False: any certificate, and plain http where https fails. */
  readonly tlsVerify?: boolean;
  readonly sharedBlobDirectory?: string;
  readonly daemonHost?: string;
  /** Requests of each kind that a host gets at once, where many images are copied; absent: a few. */
  readonly requestsAtOnce?: number;
  readonly retryTimes: number;
  /** 0: 1 s, 2 s, 4 s … */
  readonly retryDelayMs: number;
}

/** @throws {UsageError} `usage.bad-flag` */
export function globalSettings(globals: FlagValues, skopeo: boolean): GlobalSettings {
  const own = (name: string) => (skopeo ? "" : globals.string(name));
  const logFormat = own("log-format") || "text";
  if (logFormat !== "text" && logFormat !== "json")
    throw bad(`unknown log format "${logFormat}". Choose one of: 'text', 'json'`);
  const requireSigned = !skopeo && globals.bool("require-signed");
  if (requireSigned && globals.bool("insecure-policy"))
    throw bad("--insecure-policy and --require-signed are mutually exclusive");
  return {
    commandTimeoutMs: globals.number("command-timeout"),
    debug: globals.bool("debug"),
    insecurePolicy: globals.bool("insecure-policy"),
    requireSigned,
    logFormat,
    ...given({
      overrideArchitecture: globals.string("override-arch"),
      overrideOs: globals.string("override-os"),
      overrideVariant: globals.string("override-variant"),
      policyPath: globals.string("policy"),
      registriesDirectory: globals.string("registries.d"),
      registriesConf: globals.string("registries-conf"),
      temporaryDirectory: globals.string("tmpdir"),
      userAgentPrefix: globals.string("user-agent-prefix"),
      tlsDetails: own("tls-details"),
    }),
    ...optional("tlsVerify", globals.optionalBool("tls-verify")),
  };
}

/** An end that no registry is at. */
export const localEnd: EndSettings = { retryTimes: 0, retryDelayMs: 0 };

/** What `side`'s flags say, over the command's, over the program's. @throws {UsageError} `usage.bad-flag` */
export function endSettings(flags: FlagValues, globals: FlagValues, side: Side): EndSettings {
  const two = side !== "";
  const tlsVerify =
    flags.optionalBool(`${side}tls-verify`) ??
    (two ? flags.optionalBool("tls-verify") : undefined) ??
    globals.optionalBool("tls-verify");
  const hasImages = flags.has(`${side}shared-blob-dir`);
  const hasRetry = flags.has("retry-times");
  return {
    retryTimes: hasRetry ? flags.number("retry-times") : 0,
    retryDelayMs: hasRetry ? flags.number("retry-delay") : 0,
    ...optional("credentials", credentials(flags, side)),
    ...optional("registryToken", flags.optionalString(`${side}registry-token`)),
    ...optional("tlsVerify", tlsVerify),
    ...optional("authFile", authFile(flags, side)),
    ...given({
      certificateDirectory: flags.string(`${side}cert-dir`),
      sharedBlobDirectory: hasImages ? flags.string(`${side}shared-blob-dir`) : "",
      daemonHost: hasImages ? flags.string(`${side}daemon-host`) : "",
    }),
  };
}

function authFile(flags: FlagValues, side: Side): string | undefined {
  const own = side === "" ? undefined : flags.optionalString(`${side}authfile`);
  return own ?? flags.optionalString("authfile");
}

function credentials(flags: FlagValues, side: Side): EndCredentials | undefined {
  const creds = flags.optionalString(`${side}creds`);
  const username = flags.optionalString(`${side}username`);
  const password = flags.optionalString(`${side}password`);
  const nobody = flags.bool(`${side}no-creds`);
  refuseBoth("creds", creds, "no-creds", nobody || undefined);
  refuseBoth("username", username, "no-creds", nobody || undefined);
  refuseBoth("creds", creds, "username", username);
  if (username !== undefined && password === undefined)
    throw bad("password must be specified when username is specified");
  if (username === undefined && password !== undefined)
    throw bad("username must be specified when password is specified");
  if (nobody) return "nobody";
  if (creds !== undefined) return parseCreds(creds);
  return username === undefined || password === undefined ? undefined : { username, password };
}

function parseCreds(creds: string): EndCredentials {
  if (creds === "") throw bad("credentials can't be empty");
  const colon = creds.indexOf(":");
  const username = colon < 0 ? creds : creds.slice(0, colon);
  if (username === "") throw bad("username can't be empty");
  return { username, password: colon < 0 ? "" : creds.slice(colon + 1) };
}

function refuseBoth(a: string, one: unknown, b: string, other: unknown): void {
  if (one !== undefined && other !== undefined)
    throw bad(`${a} and ${b} cannot be specified at the same time`);
}

/** The members that are not empty. */
function given<T extends Record<string, string>>(members: T): Partial<T> {
  const kept = Object.entries(members).filter(([, value]) => value !== "");
  return Object.fromEntries(kept) as Partial<T>;
}

function optional<K extends string, V>(key: K, value: V | undefined): { [k in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [k in K]: V });
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
