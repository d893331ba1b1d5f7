import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";

const always: readonly (readonly [string, string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"],
  ["X-Frame-Options", "DENY"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Cache-Control", "no-store"],
];

const overTls = [...always, ["Strict-Transport-Security", "max-age=31536000"]] as const;

/** What every answer says to browsers unless it says so otherwise itself: show nothing, keep nothing, guess nothing. */
export function securityHeaders({
  socket,
}: Pick<IncomingMessage, "socket">): readonly (readonly [string, string])[] {
  return socket instanceof TLSSocket ? overTls : always;
}
