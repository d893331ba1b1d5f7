import { RegistryError } from "./errors.ts";
import { apiHost } from "./options.ts";

/**
 * Where a registry called `domain` is asked, by https.
 *
 * @throws {RegistryError} `registry.unreachable` for what cannot be a host and port, in Go's words
 */
export function registryOrigin(domain: string): URL {
  const host = apiHost(domain);
  const problem = problemOf(host);
  if (problem === undefined && URL.canParse(`https://${host}/`)) return new URL(`https://${host}/`);
  throw new RegistryError(
    "registry.unreachable",
    `pinging container registry ${host}: ${problem ?? `parse "https://${host}/v2/": invalid host`}`,
    { hint: "Name the registry as HOST or HOST:PORT" },
  );
}

function problemOf(host: string): string | undefined {
  const url = `"https://${host}/v2/"`;
  if (host === "" || /^[?#]/.test(host)) return `Get ${url}: http: no Host in request URL`;
  const strange = /[ "<>\\^`{|}]/.exec(host)?.[0];
  if (strange) return `parse ${url}: invalid character ${JSON.stringify(strange)} in host name`;
  if (host.startsWith("[") && !host.includes("]")) return `parse ${url}: missing ']' in host`;
  const bad = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(host)?.[0];
  if (bad) return `parse ${url}: invalid URL escape ${JSON.stringify(bad)}`;
  const port = /:([^:\]]*)$/.exec(host)?.[1] ?? "";
  if (!/^\d*$/.test(port)) return `parse ${url}: invalid port ":${port}" after host`;
  if (Number(port) > 65_535) return `Get ${url}: dial tcp: address ${port}: invalid port`;
  return undefined;
}
