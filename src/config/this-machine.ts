import { isIP } from "node:net";

/** Whether a host, without brackets or port, is this machine itself: `localhost`, 127.0.0.0/8, `::1`. */
export function isThisMachine(host: string): boolean {
  const name = host.toLowerCase();
  if (name === "localhost" || name === "::1") return true;
  if (isIP(name) === 4) return name.startsWith("127.");
  return isIP(name) === 6 && /^::ffff:(?:7f|127\.)/.test(name); // 127.0.0.0/8 in IPv6, as URLs spell it and as people do
}
