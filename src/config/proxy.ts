import { type Environment, variable } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { parseNoProxy } from "./no-proxy.ts";
import { isThisMachine } from "./this-machine.ts";

/** The proxy to send a request through; undefined to go direct. */
export type ProxyFor = (url: URL) => URL | undefined;

/**
 * The proxy selection of Go's net/http (registry.md 2.11): HTTPS_PROXY for https, HTTP_PROXY for http, upper case before
 * lower case, NO_PROXY, and never for this machine itself. ALL_PROXY stands in for either where it is not set.
 *
 * The result throws {ConfigError} `config.invalid` for a proxy that cannot be used, and where a CGI request could have
 * set HTTP_PROXY by a header: going direct instead could leak what a proxy is there to hold back.
 */
export function createProxySelector(environment: Environment): ProxyFor {
  const all = readProxy(environment, "ALL_PROXY");
  const https = readProxy(environment, "HTTPS_PROXY") ?? all;
  const ownHttp = readProxy(environment, "HTTP_PROXY");
  const http =
    ownHttp && variable(environment, "REQUEST_METHOD") !== undefined
      ? invalid(
          "refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy",
        )
      : (ownHttp ?? all);
  if (!https && !http) return () => undefined;
  const goesDirect = parseNoProxy(readEither(environment, "NO_PROXY") ?? "");
  return (url) => {
    const [proxy, defaultPort] = url.protocol === "https:" ? [https, "443"] : [http, "80"];
    const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, "");
    if (!proxy || isThisMachine(host) || goesDirect(host, url.port || defaultPort))
      return undefined;
    if (proxy instanceof ConfigError) throw proxy;
    return proxy;
  };
}

const SCHEMES: readonly string[] = ["http:", "https:", "socks5:", "socks5h:"];

/** A proxy without a scheme is an http one. Errors do not repeat the value: it may hold a password. */
function readProxy(environment: Environment, name: string): URL | ConfigError | undefined {
  const text = readEither(environment, name);
  if (text === undefined) return undefined;
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined || url.hostname === "") return invalid(`invalid proxy address in ${name}`);
  return SCHEMES.includes(url.protocol)
    ? url
    : invalid(`unsupported proxy scheme in ${name}: ${url.protocol.slice(0, -1)}`);
}

function readEither(environment: Environment, name: string): string | undefined {
  return variable(environment, name) ?? variable(environment, name.toLowerCase());
}

function invalid(message: string): ConfigError {
  return new ConfigError("config.invalid", message);
}
