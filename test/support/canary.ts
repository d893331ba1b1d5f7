import assert from "node:assert/strict";
import type { RequestLog } from "./registry/log.ts";

/** Whatever might carry credentials to a server. */
const secretHeaders = ["authorization", "proxy-authorization", "cookie"] as const;

/** The origins that saw `secret` in any form: as sent, or in the Base64 of a user and password. */
export function originsThatSaw(secret: string, logs: readonly RequestLog[]): string[] {
  const seen = new Set<string>();
  for (const entry of logs.flatMap((log) => log.entries)) {
    const texts = secretHeaders.map((name) => String(entry.headers[name] ?? ""));
    const decoded = texts.map((text) =>
      Buffer.from(text.replace(/^\S+ /, ""), "base64").toString(),
    );
    const path = decodeURIComponent(entry.path);
    if ([...texts, ...decoded, path].some((text) => text.includes(secret))) seen.add(entry.origin);
  }
  return [...seen].sort();
}

/** Fails if `secret` reached an origin that is not in `allowed`. */
export function assertSecretStayed(
  secret: string,
  logs: readonly RequestLog[],
  allowed: readonly string[],
): void {
  const leaked = originsThatSaw(secret, logs).filter((origin) => !allowed.includes(origin));
  assert.deepEqual(leaked, [], `credentials reached ${leaked.join(", ")}`);
}
