import { BlockList, isIP, SocketAddress } from "node:net";
import type { AltNames } from "./alt-names.ts";

/**
 * Whether a certificate is for `host`, by the rules of Go's `VerifyHostname`: an address among the addresses, a name
 * among the DNS names, whose leftmost label may be a wildcard. The common name counts for nothing.
 */
export function isForHost({ addresses, dnsNames }: AltNames, host: string): boolean {
  const bare = /^\[(.+)\]$/.exec(host)?.[1] ?? host;
  if (isIP(bare)) return addresses.some((address) => isAddress(address, bare));
  const wanted = lowerAscii(host);
  const isName = isHostname(wanted.replace(/\.$/, ""), false);
  return dnsNames.some((name) =>
    isName && isHostname(name, true)
      ? matchesPattern(lowerAscii(name), wanted.replace(/\.$/, ""))
      : matchesExactly(lowerAscii(name), wanted),
  );
}

/** Why {@link isForHost} said no, in Go's words. */
export function hostnameFailure({ addresses, dnsNames }: AltNames, host: string): string {
  const bare = /^\[(.+)\]$/.exec(host)?.[1] ?? host;
  if (isIP(bare)) {
    if (addresses.length === 0) {
      return `x509: cannot validate certificate for ${bare} because it doesn't contain any IP SANs`;
    }
    return `x509: certificate is valid for ${addresses.map(textOf).join(", ")}, not ${bare}`;
  }
  if (dnsNames.length === 0) {
    return `x509: certificate is not valid for any names, but wanted to match ${host}`;
  }
  return `x509: certificate is valid for ${dnsNames.join(", ")}, not ${host}`;
}

function isAddress(address: Uint8Array, text: string): boolean {
  const family = address.length === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addAddress(textOf(address), family);
  return list.check(
    new SocketAddress({ address: text, family: isIP(text) === 4 ? "ipv4" : "ipv6" }),
  );
}

function textOf(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  return Buffer.from(address)
    .toString("hex")
    .replace(/.{4}(?=.)/g, "$&:");
}

function isHostname(host: string, isPattern: boolean): boolean {
  const labels = host.split(".");
  if (host === "*") return false;
  return labels.every((label, index) => {
    if (isPattern && index === 0 && label === "*") return true;
    return /^[a-z0-9_][a-z0-9_-]*$/i.test(label);
  });
}

function matchesPattern(pattern: string, host: string): boolean {
  const [first, ...others] = pattern.split(".");
  const [label, ...rest] = host.split(".");
  if (others.join(".") !== rest.join(".")) return false;
  return first === "*" || first === label;
}

function matchesExactly(name: string, host: string): boolean {
  return name === host && name !== "" && name !== ".";
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
