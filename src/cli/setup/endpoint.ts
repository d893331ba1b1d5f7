import { UsageError } from "../../core/errors.ts";
import type { SetupEndpoint, SetupRegistry } from "./client-setup.ts";

const host = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/;
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** Reads `URL` or `HOST[:PORT]`, which is https. @throws {UsageError} */
export function parseEndpoint(text: string): SetupEndpoint {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`);
  const isPlainUrl =
    url !== null &&
    ["http:", "https:"].includes(url.protocol) &&
    url.pathname === "/" &&
    [url.username, url.password, url.search, url.hash].every((part) => part === "") &&
    host.test(url.host);
  if (!isPlainUrl)
    throw new UsageError(
      "usage.bad-flag",
      `--endpoint wants the server's address and nothing more, such as https://registry.example:5000, not ${JSON.stringify(text)}`,
    );
  return { url: url.origin, host: url.host, plain: url.protocol === "http:" };
}

/** Reads `NAME` or `NAME=ALIAS`: a registry as it stands in names of images. @throws {UsageError} */
export function parseRegistry(text: string): SetupRegistry {
  const [, name = "", alias] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const isHost = host.test(name) && (/[.:]/.test(name) || name === "localhost");
  if (!isHost || (alias !== undefined && !component.test(alias)))
    throw new UsageError(
      "usage.bad-flag",
      `--registry wants the host of a registry, such as docker.io, or HOST=ALIAS, not ${JSON.stringify(text)}`,
    );
  const isHub = name === "index.docker.io" || name === "registry-1.docker.io";
  return { name: isHub ? "docker.io" : name, alias };
}
