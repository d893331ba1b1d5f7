import { BlockList, isIP } from "node:net";

let inner: BlockList | undefined; // made when it is first asked for: few runs do

function innerAddresses(): BlockList {
  const list = new BlockList();
  const v4: readonly [string, number][] = [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24], // of protocols, and of a cloud's metadata
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["224.0.0.0", 3],
  ];
  for (const [net, prefix] of v4) {
    list.addSubnet(net, prefix);
    for (const before of translated) list.addSubnet(`${before}${net}`, 96 + prefix, "ipv6");
    list.addSubnet(`2002:${hexOf(net)}::`, 16 + prefix, "ipv6"); // 6to4
  }
  list.addSubnet("2001::", 32, "ipv6"); // Teredo: who is behind it, its address hides
  list.addSubnet("fc00::", 7, "ipv6");
  list.addSubnet("fe80::", 9, "ipv6"); // the link's, and what were the site's
  list.addSubnet("ff00::", 8, "ipv6");
  return list;
}

/** What stands before an IPv4 address that is written as an IPv6 one: RFC 4291, 2765, 6052, 8215. `::1` is among them. */
const translated = ["::", "::ffff:0:", "64:ff9b::", "64:ff9b:1::"];

function hexOf(net: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = net.split(".").map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** Whether a URL's host is an address, or a name, that only means something inside a machine or network. */
export function isInnerHost(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const version = isIP(host);
  if (version !== 0) {
    inner ??= innerAddresses();
    return inner.check(host, version === 4 ? "ipv4" : "ipv6");
  }
  return (
    !host.includes(".") ||
    /\.(localhost|local|internal|intranet|lan|home|home\.arpa|localdomain|corp|test)$/.test(host)
  );
}

/** Of an address inside a machine or network, where that is. */
export type InnerArea = "private" | "machine";

const privateNets = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|f[cd][0-9a-f]{2}:)/i;

/**
 * Where an IP address (no name, no brackets) lies that only means something inside: a "private" one may be a neighbour's,
 * "machine" is this machine, its link, and what no server has. Undefined: it is on the public network.
 */
export function innerAreaOf(address: string): InnerArea | undefined {
  const version = isIP(address);
  inner ??= innerAddresses();
  if (!inner.check(address, version === 4 ? "ipv4" : "ipv6")) return undefined;
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  return privateNets.test(plain) ? "private" : "machine";
}

/**
 * Whether a server at `from` may send us to `to`: one on the public network may not point at addresses inside ours,
 * which it could not reach itself.
 */
export function mayLeadTo(from: URL, to: URL): boolean {
  const address =
    isIP(to.hostname.replace(/^\[|\]$/g, "")) !== 0 || /(^|\.)localhost\.?$/.test(to.hostname);
  return !address || !isInnerHost(to) || isInnerHost(from);
}
