import { type Dirent, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type Environment, variable } from "./environment.ts";
import { listIfThere, readIfThere } from "./load-file.ts";

/** Where systems keep all their roots in one file; the first that can be read counts. */
const FILES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Gentoo, Arch
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora, RHEL 6
  "/etc/ssl/ca-bundle.pem", // openSUSE
  "/etc/pki/tls/cacert.pem", // OpenELEC
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
  "/etc/ssl/cert.pem", // Alpine, the BSDs
];

/** Where they keep them one by one; all of them count. */
const FOLDERS: readonly string[] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/** What Debian's bundle is made of: links to there need not be read again. */
const BUNDLED = /^\/usr\/(?:local\/)?share\/ca-certificates\//;

/** The certificates that this machine trusts. */
export interface SystemRoots {
  /** PEM texts; empty where the system has none. */
  readonly pem: readonly string[];
  /** The files they are from. */
  readonly files: readonly string[];
}

/**
 * The machine's root certificates, found as Go finds them (registry.md 2.10): SSL_CERT_FILE and SSL_CERT_DIR replace
 * the system's file and folders. NODE_EXTRA_CA_CERTS adds to them, as it does to Node's own.
 */
export function loadSystemRoots(environment: Environment): SystemRoots {
  const collected = new Collected();
  const ownFile = variable(environment, "SSL_CERT_FILE");
  for (const path of ownFile === undefined ? FILES : [ownFile]) if (collected.add(path)) break;
  const ownFolders = variable(environment, "SSL_CERT_DIR")?.split(":");
  for (const folder of ownFolders ?? FOLDERS) collected.addFolder(folder);
  const extra = variable(environment, "NODE_EXTRA_CA_CERTS");
  if (extra !== undefined) {
    if (collected.pem.length === 0) collected.pem.push(...nodeRoots());
    collected.add(extra);
  }
  return collected;
}

/** The roots compiled into Node. Its TLS is not loaded before somebody asks: that takes milliseconds. */
export function nodeRoots(): readonly string[] {
  return process.getBuiltinModule("node:tls").rootCertificates;
}

class Collected implements SystemRoots {
  readonly pem: string[] = [];
  readonly files: string[] = [];
  readonly #seen = new Set<string>();

  /** False where the file cannot be read. A file that holds no certificate counts as read. */
  add(path: string): boolean {
    const text = quietly(() => readIfThere(path)?.toString("latin1"));
    if (text === undefined) return false;
    const real = quietly(() => realpathSync(path)) ?? path;
    if (!this.#seen.has(real) && text.includes("-----BEGIN")) {
      this.pem.push(text);
      this.files.push(path);
    }
    this.#seen.add(real);
    return true;
  }

  addFolder(folder: string): void {
    const real = quietly(() => realpathSync(folder));
    if (real === undefined || this.#seen.has(real)) return;
    this.#seen.add(real);
    const bundled = this.#seen.has("/etc/ssl/certs/ca-certificates.crt");
    for (const entry of quietly(() => listIfThere(folder)) ?? []) {
      const path = join(folder, entry.name);
      if (!entry.isDirectory() && !isKnownLink(path, entry, bundled) && !this.#seen.has(path))
        this.add(path);
    }
  }
}

/** A link within the folder leads to an entry of its own; those named by a hash (c_rehash) always do. */
function isKnownLink(path: string, entry: Dirent, bundled: boolean): boolean {
  if (!entry.isSymbolicLink()) return false;
  if (/^[0-9a-f]{8}\.\d+$/.test(entry.name)) return true;
  const target = quietly(() => readlinkSync(path));
  return target === undefined || !target.includes("/") || (bundled && BUNDLED.test(target));
}

/** What cannot be read is passed over: one bad file must not take away the others. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
