import { BlockList, isIP } from "node:net";

/** Whether a host, in lower case and without brackets, is to be contacted directly. */
export type GoesDirect = (host: string, port: string) => boolean;

/**
 * Reads NO_PROXY as Go does: addresses, CIDR ranges, `domain` (and all below it), `.domain` and `*.domain` (only what is
 * below), each with or without a port; `*` for everything.
 */
export function parseNoProxy(text: string): GoesDirect {
  const entries = text
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "");
  if (entries.includes("*")) return () => true;
  const rules = entries.map(parseEntry).filter((rule) => rule !== undefined);
  return (host, port) => rules.some((rule) => rule(host, port));
}

function parseEntry(entry: string): GoesDirect | undefined {
  const range = parseRange(entry);
  if (range) return range;
  const { host, port } = splitPort(entry);
  if (host === "") return undefined;
  const samePort = (other: string) => port === "" || port === other;
  if (isIP(host) !== 0) {
    const list = new BlockList();
    list.addAddress(host, family(host));
    return (other, otherPort) => holds(list, other) && samePort(otherPort);
  }
  const domain = host.startsWith("*.") ? host.slice(1) : host;
  const suffix = domain.startsWith(".") ? domain : `.${domain}`;
  return (other, otherPort) =>
    isIP(other) === 0 && (other === domain || other.endsWith(suffix)) && samePort(otherPort);
}

function parseRange(entry: string): GoesDirect | undefined {
  const [, address, bits] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (address === undefined || isIP(address) === 0) return undefined;
  const length = Number(bits);
  if (length > (isIP(address) === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, length, family(address));
  return (host) => holds(list, host);
}

function holds(list: BlockList, host: string): boolean {
  return isIP(host) !== 0 && list.check(host, family(host));
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

/** `host:port` or `[address]:port` or neither: an IPv6 address has several colons. */
function splitPort(entry: string): { host: string; port: string } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(entry);
  if (bracketed) return { host: bracketed[1] ?? "", port: bracketed[2] ?? "" };
  const colon = entry.indexOf(":");
  if (colon === -1 || colon !== entry.lastIndexOf(":")) return { host: entry, port: "" };
  return { host: entry.slice(0, colon), port: entry.slice(colon + 1) };
}
