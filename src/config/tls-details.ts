import { ConfigError } from "./errors.ts";

/** What `--tls-details` sets — containers-tls-details.yaml(5). Absent members leave the defaults. */
export interface TlsDetails {
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** OpenSSL names, colon-separated. */
  readonly ciphers?: string;
  /** OpenSSL names, colon-separated. */
  readonly groups?: string;
}

/** The file's members as text. */
export interface TlsDetailsFile {
  readonly minVersion?: string;
  readonly cipherSuites?: readonly string[];
  readonly namedGroups?: readonly string[];
}

/** 1.0 and 1.1 are minima that 1.2, the least we speak, meets. */
const VERSIONS: Readonly<Record<string, "TLSv1.2" | "TLSv1.3">> = {
  "1.0": "TLSv1.2",
  "1.1": "TLSv1.2",
  "1.2": "TLSv1.2",
  "1.3": "TLSv1.3",
};

const TLS13_SUITES: readonly string[] = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
];

/** The suites that Go knows, by IANA name. */
const SUITES: ReadonlyMap<string, string> = new Map([
  ...TLS13_SUITES.map((name) => [name, name] as const),
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"],
  ["TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"],
  ["TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"],
  ["TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"],
  ["TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"],
  ["TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"],
  ["TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "ECDHE-RSA-DES-CBC3-SHA"],
  ["TLS_RSA_WITH_RC4_128_SHA", "RC4-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "ECDHE-ECDSA-RC4-SHA"],
  ["TLS_ECDHE_RSA_WITH_RC4_128_SHA", "ECDHE-RSA-RC4-SHA"],
]);

/** By IANA name, the letter case included. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ["secp256r1", "P-256"],
  ["secp384r1", "P-384"],
  ["secp521r1", "P-521"],
  ["x25519", "X25519"],
  ["X25519MLKEM768", "X25519MLKEM768"],
]);

/**
 * Checks the members and translates their names.
 *
 * Where no suite of TLS 1.3 is listed all of them stay allowed: the reference cannot choose among those.
 *
 * @throws {ConfigError} `config.invalid`
 */
export function readTlsDetails(file: TlsDetailsFile): TlsDetails {
  const version = file.minVersion || undefined;
  const minVersion = version === undefined ? undefined : VERSIONS[version];
  if (version !== undefined && minVersion === undefined)
    throw unrecognized("minimum version", version);
  const suites = file.cipherSuites?.map((name) => translate(SUITES, name, "cipher suite"));
  const groups = file.namedGroups?.map((name) => translate(GROUPS, name, "named group"));
  const tls13 = suites?.some((name) => TLS13_SUITES.includes(name)) ? [] : TLS13_SUITES;
  return {
    ...(minVersion && { minVersion }),
    ...(suites && { ciphers: [...suites, ...tls13].join(":") }),
    ...(groups && groups.length > 0 && { groups: groups.join(":") }),
  };
}

function translate(names: ReadonlyMap<string, string>, name: string, what: string): string {
  const translated = names.get(name);
  if (translated === undefined) throw unrecognized(what, name);
  return translated;
}

function unrecognized(what: string, name: string): ConfigError {
  return new ConfigError("config.invalid", `unrecognized TLS ${what} ${JSON.stringify(name)}`);
}
