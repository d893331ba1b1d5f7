import { mayLeadTo } from "./address.ts";
import { RegistryError } from "./errors.ts";
import { redactedUrl } from "./redact.ts";
import type { Reply } from "./reply.ts";

/** An answer that sends the client elsewhere. */
export interface Leap {
  readonly from: URL;
  readonly location: string;
  /** The registry's own origin. */
  readonly registry: URL;
  /** Whether the registry may be spoken to without TLS. */
  readonly insecure: boolean;
}

/**
 * Where a `Location` leads, of a redirect or of an upload session.
 *
 * A registry behind a proxy that ends TLS may name itself with `http:`; that is taken for the registry itself, so that
 * no request leaves TLS.
 *
 * @throws {RegistryError} `registry.bad-redirect` for what is no URL, leaves TLS, carries a user, or leads inside our
 * network from outside
 */
export function resolveLocation({ from, location, registry, insecure }: Leap): URL {
  const to = URL.parse(location, from.href);
  if (!to || (to.protocol !== "https:" && to.protocol !== "http:")) {
    throw refusal("an invalid address", from);
  }
  if (to.username !== "" || to.password !== "") throw refusal("an address with a user", from);
  if (
    registry.protocol === "https:" &&
    to.protocol === "http:" &&
    to.hostname === registry.hostname
  ) {
    const own = new URL(to);
    own.protocol = "https:";
    own.port = registry.port;
    return own;
  }
  if (from.protocol === "https:" && to.protocol === "http:" && !insecure) {
    throw refusal(`${redactedUrl(to)}, which is not protected by TLS`, from);
  }
  if (!mayLeadTo(registry, to)) {
    throw refusal(`${redactedUrl(to)}, an address inside this network`, from);
  }
  return to;
}

/**
 * An address that a manifest names for a foreign layer.
 *
 * @throws {RegistryError} `registry.bad-redirect` as {@link resolveLocation}, but for TLS: such addresses never had it
 */
export function foreignUrl(location: string, registry: URL): URL {
  const url = URL.parse(location);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw refusal("an invalid address", registry);
  }
  if (!mayLeadTo(registry, url)) {
    throw refusal(`${redactedUrl(url)}, an address inside this network`, registry);
  }
  return url;
}

function refusal(where: string, from: URL): RegistryError {
  return new RegistryError(
    "registry.bad-redirect",
    `${redactedUrl(from)} leads to ${where}: refused`,
    { url: redactedUrl(from) },
  );
}

/** Statuses that send the client elsewhere with the same request. */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** Whether an answer says to send the same again, body and all, to another place. */
export function isToBeRepeated(reply: Pick<Reply, "status" | "header">): boolean {
  return (reply.status === 307 || reply.status === 308) && reply.header("location") !== undefined;
}
