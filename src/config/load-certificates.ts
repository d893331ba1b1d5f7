import { createPrivateKey, X509Certificate } from "node:crypto";
import { accessSync, type Dirent } from "node:fs";
import { join } from "node:path";
import {
  type ConsideredFile,
  type Environment,
  systemContainersDirectory,
  userContainersDirectory,
} from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { fileErrorText, listIfThere, readIfThere, systemCode } from "./load-file.ts";
import type { ClientCertificate } from "./tls-settings.ts";

/** The certificates that the user keeps for a host. */
export interface HostCertificates {
  /** PEM texts to trust besides the system's. */
  readonly ca: readonly string[];
  readonly clientCertificates: readonly ClientCertificate[];
  /** The folders looked at, in order; of the one that was read, its files. */
  readonly files: readonly ConsideredFile[];
}

/**
 * Reads a host's folder of certificates — containers-certs.d(5): the first of the `certs.d` that has the host is used
 * alone.
 *
 * @param directory `--cert-dir`, used instead of all others
 * @throws {ConfigError} `config.bad-certificate` or `config.unreadable`
 */
export function loadHostCertificates(
  environment: Environment,
  host: string,
  directory?: string,
): HostCertificates {
  const files: ConsideredFile[] = [];
  const folder = directory || findFolder(environment, host, files);
  const nothing = { ca: [], clientCertificates: [], files };
  if (folder === undefined) return nothing;
  const entries = list(folder, files);
  if (entries === undefined) return nothing;
  files.push({ path: folder, outcome: "read" });
  const names = new Set(entries.map((entry) => entry.name));
  const ca: string[] = [];
  const clientCertificates: ClientCertificate[] = [];
  for (const name of names) {
    if (name.endsWith(".crt")) ca.push(...readAuthority(join(folder, name), files));
    if (name.endsWith(".cert")) clientCertificates.push(readPair(folder, name, names, files));
    if (name.endsWith(".key")) checkCertificateOf(name, names, folder);
  }
  return { ca, clientCertificates, files };
}

function findFolder(
  environment: Environment,
  host: string,
  files: ConsideredFile[],
): string | undefined {
  const parents = [
    join(userContainersDirectory(environment), "certs.d"),
    join(systemContainersDirectory(environment), "certs.d"),
    join(environment.systemDirectory, "docker", "certs.d"),
  ];
  for (const parent of parents) {
    const path = join(parent, host);
    try {
      accessSync(path);
      return path;
    } catch (error) {
      const code = systemCode(error);
      if (code === "ENOENT") files.push({ path, outcome: "absent" });
      else if (code === "EACCES")
        files.push({ path, outcome: "skipped", reason: "permission denied" });
      else throw unreadable(error, "faccessat", path);
    }
  }
  return undefined;
}

function list(folder: string, files: ConsideredFile[]): readonly Dirent[] | undefined {
  try {
    const entries = listIfThere(folder);
    if (entries === undefined) files.push({ path: folder, outcome: "absent" });
    return entries;
  } catch (error) {
    if (systemCode(error) !== "EACCES") throw unreadable(error, "open", folder);
    files.push({ path: folder, outcome: "skipped", reason: "permission denied" });
    return undefined;
  }
}

/** Nothing, where the file went away since the folder was listed. */
function readAuthority(path: string, files: ConsideredFile[]): string[] {
  const text = readIfThere(path)?.toString("latin1");
  if (text === undefined) return [];
  files.push({ path, outcome: "read" });
  return [text];
}

function readPair(
  folder: string,
  name: string,
  names: ReadonlySet<string>,
  files: ConsideredFile[],
): ClientCertificate {
  const keyName = name.replace(/\.cert$/, ".key");
  const path = join(folder, name);
  if (!names.has(keyName))
    throw bad(
      `missing key ${keyName} for client certificate ${name}. Note that CA certificates should use the extension .crt`,
      path,
    );
  const certificate = readText(path);
  const key = readText(join(folder, keyName));
  checkPair(certificate, key, path);
  files.push({ path, outcome: "read" }, { path: join(folder, keyName), outcome: "read" });
  return { certificate, key };
}

function checkCertificateOf(name: string, names: ReadonlySet<string>, folder: string): void {
  const certificate = name.replace(/\.key$/, ".cert");
  if (!names.has(certificate))
    throw bad(`missing client certificate ${certificate} for key ${name}`, join(folder, name));
}

function readText(path: string): string {
  const bytes = readIfThere(path);
  if (bytes === undefined)
    throw new ConfigError("config.unreadable", `open ${path}: no such file or directory`, {
      file: path,
    });
  return bytes.toString("latin1");
}

/** Told here, in Go's words, rather than by a handshake that fails. */
function checkPair(certificate: string, key: string, path: string): void {
  if (!certificate.includes("-----BEGIN CERTIFICATE-----"))
    throw bad("tls: failed to find any PEM data in certificate input", path);
  if (!key.includes("-----BEGIN "))
    throw bad("tls: failed to find any PEM data in key input", path);
  const parsed = attempt(
    () => new X509Certificate(certificate),
    "x509: malformed certificate",
    path,
  );
  const privateKey = attempt(() => createPrivateKey(key), "tls: failed to parse private key", path);
  if (!parsed.checkPrivateKey(privateKey))
    throw bad("tls: private key does not match public key", path);
}

function attempt<T>(parse: () => T, otherwise: string, path: string): T {
  try {
    return parse();
  } catch (error) {
    throw bad(otherwise, path, error);
  }
}

function bad(message: string, file: string, cause?: unknown): ConfigError {
  return new ConfigError("config.bad-certificate", message, { file, cause });
}

function unreadable(error: unknown, call: string, path: string): ConfigError {
  return new ConfigError("config.unreadable", fileErrorText(error, call, path), {
    file: path,
    cause: error,
  });
}
