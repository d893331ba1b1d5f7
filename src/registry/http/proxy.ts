import type { Address } from "./dial.ts";
import { HttpError } from "./errors.ts";
import { readFinalHead } from "./exchange.ts";
import { formatHead } from "./request-head.ts";
import { hostPort } from "./socket-error.ts";
import type { Wire } from "./wire.ts";

/** `Basic …` of a proxy URL's user info; undefined where it has none. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === "" && proxy.password === "") return undefined;
  const [user, password] = userInfo(proxy);
  return `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
}

/** User and password of a URL, decoded. */
export function userInfo(url: URL): readonly [user: string, password: string] {
  return [decode(url.username), decode(url.password)];
}

/**
 * Has an HTTP proxy connect `wire` on to `target`.
 *
 * @throws {HttpError} `registry.unreachable` with the proxy's reason phrase where it will not
 */
export async function openTunnel(wire: Wire, proxy: URL, target: Address): Promise<void> {
  const authority = hostPort(target.host, target.port);
  const authorization = proxyAuthorization(proxy);
  const fields: [string, string][] = [["host", authority]];
  if (authorization !== undefined) fields.push(["proxy-authorization", authorization]);
  void wire.write([formatHead("CONNECT", authority, fields)]);
  const head = await readFinalHead(wire, "CONNECT");
  if (head.status < 200 || head.status > 299) {
    throw new HttpError("registry.unreachable", head.reason || String(head.status), {
      phase: "connect",
      retryable: head.status >= 500,
    });
  }
  if (wire.inbox.unread > 0) {
    throw new HttpError("registry.bad-response", "proxy sent data before the tunnel was used", {
      phase: "connect",
    });
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
