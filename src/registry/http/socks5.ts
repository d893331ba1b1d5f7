import { isIP } from "node:net";
import type { Address } from "./dial.ts";
import { endedEarly, HttpError } from "./errors.ts";
import { userInfo } from "./proxy.ts";
import type { Wire } from "./wire.ts";

const version = 5;
const noAuthentication = 0;
const userPassword = 2;
const noneAcceptable = 0xff;
const addressType = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** RFC 1928 § 6, in the words of Go's socks package. */
const replies: readonly string[] = [
  "succeeded",
  "general SOCKS server failure",
  "connection not allowed by ruleset",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "TTL expired",
  "command not supported",
  "address type not supported",
];

/**
 * Has a SOCKS 5 proxy (RFC 1928, 1929) connect `wire` on to `target`. As with Go, the proxy resolves the name for
 * `socks5:` too.
 *
 * @throws {HttpError} `registry.unreachable`
 */
export async function openSocks(wire: Wire, proxy: URL, target: Address): Promise<void> {
  const named = proxy.username !== "";
  const methods = named ? [noAuthentication, userPassword] : [noAuthentication];
  void wire.write([Uint8Array.of(version, methods.length, ...methods)]);
  const [answered, method] = await read(wire, 2);
  if (answered !== version) throw refused(`unexpected protocol version ${answered}`);
  if (method === noneAcceptable) throw refused("no acceptable authentication methods");
  if (method === userPassword && named) await authenticate(wire, proxy);
  else if (method !== noAuthentication) throw refused("unsupported authentication method");
  void wire.write([
    Uint8Array.of(version, 1, 0, ...addressBytes(target.host), target.port >> 8, target.port & 255),
  ]);
  await readReply(wire);
}

async function authenticate(wire: Wire, proxy: URL): Promise<void> {
  const [user, password] = userInfo(proxy).map((text) => Buffer.from(text, "utf8"));
  if (!user || !password || user.byteLength > 255 || password.byteLength > 255) {
    throw refused("invalid username/password");
  }
  void wire.write([Uint8Array.of(1, user.byteLength, ...user, password.byteLength, ...password)]);
  const [, status] = await read(wire, 2);
  if (status !== 0) throw refused("username/password authentication failed");
}

async function readReply(wire: Wire): Promise<void> {
  const [answered, reply = 1, , type] = await read(wire, 4);
  if (answered !== version) throw refused(`unexpected protocol version ${answered}`);
  if (reply !== 0) throw refused(`unknown error ${replies[reply] ?? `unknown code: ${reply}`}`);
  if (type === addressType.ipv4) await read(wire, 4 + 2);
  else if (type === addressType.ipv6) await read(wire, 16 + 2);
  else if (type === addressType.name) await read(wire, ((await read(wire, 1))[0] ?? 0) + 2);
  else throw refused("unknown address type");
}

function addressBytes(host: string): readonly number[] {
  const family = isIP(host);
  if (family === 4) return [addressType.ipv4, ...host.split(".").map(Number)];
  if (family === 6) return [addressType.ipv6, ...ipv6Bytes(host)];
  const name = Buffer.from(host, "latin1");
  if (name.byteLength > 255) throw refused("FQDN too long");
  return [addressType.name, name.byteLength, ...name];
}

/** The sixteen bytes of an address as URLs spell it: hexadecimal groups, perhaps one `::`. */
function ipv6Bytes(host: string): readonly number[] {
  const [head = "", tail] = host.split("::");
  const left = groups(head);
  const right = groups(tail ?? "");
  const zeros = Array.from(
    { length: tail === undefined ? 0 : 8 - left.length - right.length },
    () => 0,
  );
  return [...left, ...zeros, ...right].flatMap((group) => [group >> 8, group & 255]);
}

function groups(text: string): readonly number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

async function read(wire: Wire, count: number): Promise<readonly number[]> {
  const bytes: number[] = [];
  while (bytes.length < count) {
    if (!(await wire.more())) throw endedEarly("connect", bytes.length > 0);
    const piece = wire.inbox.peek().subarray(0, count - bytes.length);
    bytes.push(...piece);
    wire.skip(piece.byteLength);
  }
  return bytes;
}

function refused(text: string): HttpError {
  return new HttpError("registry.unreachable", text, { phase: "connect" });
}
