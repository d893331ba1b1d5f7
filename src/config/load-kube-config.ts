import { dirname, join } from "node:path";
import { type Environment, variable } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { type KubeConnection, kubeConnection, type PemPlace } from "./kube-config.ts";
import { readFile, readIfThere } from "./load-file.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** How to talk to the cluster of the current context. */
export interface ClusterAccess {
  readonly server: string;
  /** The value of the Authorization header. */
  readonly authorization?: string;
  readonly tls: TlsSettings;
}

/**
 * Reads the kubeconfig files of `KUBECONFIG`, or `~/.kube/config`.
 *
 * @throws {ConfigError} `config.invalid`, `config.unreadable`
 */
export async function loadKubeConfig(environment: Environment): Promise<ClusterAccess> {
  const listed = variable(environment, "KUBECONFIG")?.split(":") ?? [];
  const paths = listed.length > 0 ? listed : [join(environment.home, ".kube", "config")];
  const { parse } = await import("yaml");
  const files = paths.flatMap((path) => {
    const bytes = path === "" ? undefined : readIfThere(path);
    return bytes ? [{ folder: dirname(path), document: parsed(parse, bytes, path) }] : [];
  });
  return accessOf(kubeConnection(files, variable(environment, "KUBERNETES_MASTER")));
}

function parsed(parse: (text: string) => unknown, bytes: Buffer, path: string): unknown {
  try {
    return parse(bytes.toString());
  } catch (cause) {
    const [message] = (cause as Error).message.split("\n", 1);
    throw new ConfigError("config.invalid", `error loading config file "${path}": ${message}`, {
      file: path,
      cause,
    });
  }
}

function accessOf(connection: KubeConnection): ClusterAccess {
  const { server, verify, certificateAuthority, clientCertificate, clientKey } = connection;
  const own = clientCertificate &&
    clientKey && { certificate: pemOf(clientCertificate), key: pemOf(clientKey) };
  const authorization = authorizationOf(connection);
  return {
    server,
    tls: {
      ca: certificateAuthority ? [pemOf(certificateAuthority)] : [],
      clientCertificates: own ? [own] : [],
      verify,
    },
    ...(authorization !== undefined && { authorization }),
  };
}

function pemOf(place: PemPlace): string {
  return "pem" in place ? place.pem : readFile(place.file).toString();
}

function authorizationOf({ token, username, password }: KubeConnection): string | undefined {
  if (token !== undefined) return `Bearer ${token}`;
  if (username === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`;
}
