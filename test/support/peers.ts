import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs of others that tests compare with or lean on. */
export type Peer =
  | "skopeo"
  | "docker-registry"
  | "openssl"
  | "gpg"
  | "sqv"
  | "podman"
  | "htpasswd"
  | "redis-server"
  | "chromium"
  | "crun"
  | "busybox"
  | "newuidmap"
  | "newgidmap";

/** The full path of a peer on PATH. */
export function peerPath(name: Peer): string | undefined {
  return programPath(name);
}

/** The full path of any program on PATH. */
export function programPath(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/usr/sbin"];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The `skip` of a test that needs these programs: false when all are there, else the reason, which the runner prints.
 *
 * @throws {Error} instead of skipping where AMPHORA_REQUIRE_PEERS=1
 */
export function skipWithout(...names: readonly Peer[]): string | false {
  const absent = names.filter((name) => peerPath(name) === undefined);
  if (absent.length === 0) return false;
  const reason = `not on PATH: ${absent.join(", ")}`;
  if (process.env["AMPHORA_REQUIRE_PEERS"] === "1") throw new Error(reason);
  return reason;
}

/** The path of a program that {@link skipWithout} has found. */
export function requirePeer(name: Peer): string {
  const path = peerPath(name);
  if (path === undefined) throw new Error(`not on PATH: ${name}`);
  return path;
}
