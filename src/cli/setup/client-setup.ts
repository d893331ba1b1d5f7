import { UsageError } from "../../core/errors.ts";

/** The server that clients are led to. */
export interface SetupEndpoint {
  /** `http://` or `https://`, host and port. */
  readonly url: string;
  /** `HOST[:PORT]`, as in names of images. */
  readonly host: string;
  /** Plain http, without TLS. */
  readonly plain: boolean;
}

/** A registry behind the server. */
export interface SetupRegistry {
  /** The host in names of images. */
  readonly name: string;
  /** What it is called in paths of the server, where that is not its name: the upstream's `alias`. */
  readonly alias: string | undefined;
}

/** The authority of the endpoint's certificate. */
export interface SetupAuthority {
  /** The whole path, for clients that read it where it is. */
  readonly path: string;
  readonly pem: string;
}

/** What a client is to be set up for. */
export interface SetupRequest {
  readonly endpoint: SetupEndpoint;
  /** Registries that are to be reached through the endpoint alone; empty: all that the client can be told of. */
  readonly registries: readonly SetupRegistry[];
  readonly authority: SetupAuthority | undefined;
}

/** One file of a client's configuration. */
export interface SetupFile {
  /** Where the client looks for it. */
  readonly path: string;
  readonly text: string;
}

/** What closes a client, so that it gets nothing past the endpoint. */
export interface ClientSetup {
  readonly files: readonly SetupFile[];
  /** What else is to be done, and what stays open; a sentence each. */
  readonly notes: readonly string[];
}

/** What files that we wrote begin with, where their format has comments. */
export const mark = "# Written by `amphora setup";

/** Registries that the most images are from: for clients that want every one named. */
const usualRegistries = ["docker.io", "ghcr.io", "quay.io", "registry.k8s.io"] as const;

/** A registry, and the name of its images on the server: `HOST/PATH`, to be followed by the image's own. */
export interface LedRegistry {
  readonly name: string;
  readonly place: string;
}

/**
 * Where the registries asked for are on the server; the usual ones where none were.
 *
 * @throws {UsageError} for a host with a port, which cannot stand in a path, and for a server that no name can begin with
 */
export function ledRegistries({ endpoint, registries }: SetupRequest): readonly LedRegistry[] {
  if (!/[.:]/.test(endpoint.host) && endpoint.host !== "localhost")
    throw new UsageError(
      "usage.bad-flag",
      `${endpoint.host}/… is a repository of docker.io in names of images: give --endpoint the server's whole name, or a port`,
    );
  const asked =
    registries.length > 0
      ? registries
      : usualRegistries.map((name) => ({ name, alias: undefined }));
  return asked.map(({ name, alias }) => {
    if (alias === undefined && name.includes(":"))
      throw new UsageError(
        "usage.bad-flag",
        `${name} cannot stand in a path: give the upstream an alias, and say --registry ${name}=ALIAS`,
      );
    return { name, place: `${endpoint.host}/${alias ?? name}` };
  });
}

/** The first lines of a file for `client`. */
export function heading(client: string, what: string): string {
  return `${mark} ${client}\`.\n# ${what}\n`;
}

/** A string of TOML or YAML: JSON's are strings of both. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
