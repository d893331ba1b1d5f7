import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { fileErrorText } from "./load-file.ts";
import { loadSystemRoots, nodeRoots } from "./load-system-roots.ts";
import type { TlsSettings } from "./tls-settings.ts";

/**
 * TLS with a Docker daemon: `ca.pem`, `cert.pem` and `key.pem` of a folder, all three, or without one the system's roots
 * alone — as containers/image uses go-connections' tlsconfig.
 *
 * @throws {ConfigError} `config.unreadable`, `config.bad-certificate`
 */
export function loadDaemonTls(
  environment: Environment,
  { directory, verify }: { readonly directory?: string; readonly verify: boolean },
): TlsSettings {
  const roots = () => {
    const { pem } = loadSystemRoots(environment);
    return pem.length === 0 ? nodeRoots() : pem;
  };
  if (directory === undefined) return { ca: verify ? roots() : [], clientCertificates: [], verify };
  const authority = verify ? loadAuthority(join(directory, "ca.pem")) : [];
  return {
    ca: verify ? [...roots(), ...authority] : [],
    clientCertificates: [loadPair(join(directory, "cert.pem"), join(directory, "key.pem"))],
    verify,
  };
}

function loadAuthority(file: string): readonly string[] {
  const text = read(file, `could not read CA certificate ${JSON.stringify(file)}: `);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return [text];
  const message = `failed to append certificates from PEM file: ${JSON.stringify(file)}`;
  throw new ConfigError("config.bad-certificate", `${client}${message}`, { file });
}

const client = "initializing docker engine client: ";
const noPair = "Could not load X509 key pair: ";

function loadPair(certificateFile: string, keyFile: string) {
  const certificate = read(certificateFile, noPair);
  const key = read(keyFile, noPair);
  const mismatch = whyNoPair(certificate, key);
  if (mismatch === undefined) return { certificate, key };
  const message = `${client}${noPair}${mismatch}`;
  throw new ConfigError("config.bad-certificate", message, { file: certificateFile });
}

/** In Go's words. */
function whyNoPair(certificate: string, key: string): string | undefined {
  if (!certificate.includes("-----BEGIN CERTIFICATE-----")) {
    return "tls: failed to find any PEM data in certificate input";
  }
  if (!key.includes("-----BEGIN ")) return "tls: failed to find any PEM data in key input";
  try {
    if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) return undefined;
    return "tls: private key does not match public key";
  } catch {
    return "tls: failed to parse certificate or private key";
  }
}

function read(file: string, during: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    const message = `${client}${during}${fileErrorText(error, "open", file)}`;
    throw new ConfigError("config.unreadable", message, { file, cause: error });
  }
}
