import { TransportError } from "../contract/errors.ts";

/** Where a daemon listens unless told otherwise. */
export const defaultDaemonHost = "unix:///var/run/docker.sock";

/** How a daemon is reached. */
export interface DaemonHost {
  /** As it was given, for messages. */
  readonly text: string;
  /** What paths are put behind. */
  readonly url: URL;
  /** Of a socket of this machine. */
  readonly socketPath?: string;
}

/**
 * Reads `unix://PATH`, `http://HOST:PORT`, and `tcp://HOST:PORT`, which means TLS, as anything else does — the docker
 * client's ParseHostURL, as containers/image uses it.
 *
 * @throws {TransportError} `transport.unsupported`
 */
export function parseDaemonHost(text: string): DaemonHost {
  const [, scheme = "", address = ""] = /^(.*?):\/\/(.*)$/s.exec(text) ?? [];
  if (address === "") throw cannot(`unable to parse docker host \`${text}\``);
  if (scheme === "npipe") throw cannot("protocol not available");
  // The host name that the docker client sends where there is none.
  const unnamed = "http://api.moby.localhost";
  if (scheme === "unix") return { text, url: new URL(unnamed), socketPath: address };
  const url = parseUrl(`${scheme === "http" ? "http" : "https"}://${address}`);
  if (!url) throw cannot(`unable to parse docker host \`${text}\``);
  return { text, url };
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function cannot(why: string): TransportError {
  return new TransportError("transport.unsupported", `initializing docker engine client: ${why}`, {
    hint: "Write unix://PATH, http://HOST:PORT, or tcp://HOST:PORT for TLS",
  });
}
