/** Who to be at a cluster, and how to reach it: of a kubeconfig what counts for its current context. */
export interface KubeConnection {
  /** Without a slash at the end. */
  readonly server: string;
  readonly verify: boolean;
  /** PEM, or where it stands. */
  readonly certificateAuthority?: PemPlace;
  readonly clientCertificate?: PemPlace;
  readonly clientKey?: PemPlace;
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
}

/** A PEM text given, or the file that has it. */
export type PemPlace = { readonly pem: string } | { readonly file: string };

/** One kubeconfig file, parsed, and the folder that its paths start from. */
export interface KubeConfigFile {
  readonly folder: string;
  readonly document: unknown;
}

/**
 * The connection of the current context. Of several files the first to name a thing decides it — Kubernetes' documentation
 * § Merging kubeconfig files.
 *
 * @param master the server where no file names one
 */
export function kubeConnection(
  files: readonly KubeConfigFile[],
  master = "http://localhost:8080",
): KubeConnection {
  const current = files.map(({ document }) => textOf(document, "current-context")).find(Boolean);
  const context = named(files, "contexts", "context", current);
  const cluster = named(files, "clusters", "cluster", textOf(context?.value, "cluster"));
  const user = named(files, "users", "user", textOf(context?.value, "user"));
  const server = textOf(cluster?.value, "server") ?? master;
  return {
    server: server.replace(/\/+$/, ""),
    verify: memberOf(cluster?.value, "insecure-skip-tls-verify") !== true,
    ...pem("certificateAuthority", cluster, "certificate-authority"),
    ...pem("clientCertificate", user, "client-certificate"),
    ...pem("clientKey", user, "client-key"),
    ...optional("token", textOf(user?.value, "token")),
    ...optional("username", textOf(user?.value, "username")),
    ...optional("password", textOf(user?.value, "password")),
  };
}

interface Found {
  readonly folder: string;
  readonly value: unknown;
}

function named(
  files: readonly KubeConfigFile[],
  list: string,
  member: string,
  name: string | undefined,
): Found | undefined {
  if (name === undefined) return undefined;
  for (const { folder, document } of files) {
    const items = memberOf(document, list);
    const found = Array.isArray(items)
      ? items.find((item) => memberOf(item, "name") === name)
      : undefined;
    if (found !== undefined) return { folder, value: memberOf(found, member) };
  }
  return undefined;
}

/** The text given, in base64, beats the file. */
function pem<K extends string>(
  key: K,
  found: Found | undefined,
  member: string,
): { [k in K]?: PemPlace } {
  const data = textOf(found?.value, `${member}-data`);
  const file = textOf(found?.value, member);
  if (data !== undefined) return optional(key, { pem: Buffer.from(data, "base64").toString() });
  if (file === undefined || !found) return {};
  return optional(key, { file: file.startsWith("/") ? file : `${found.folder}/${file}` });
}

function optional<K extends string, V>(key: K, value: V | undefined): { [k in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [k in K]: V });
}

function textOf(value: unknown, name: string): string | undefined {
  const text = memberOf(value, name);
  return typeof text === "string" && text !== "" ? text : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
