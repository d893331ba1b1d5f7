import { randomBytes } from "node:crypto";

/**
 * What a writer leaves in the lock file: 64 bytes that never were there before. Readers compare them with what they
 * remember; nobody reads them as anything else, though they are made as the Go library makes them: time, counter, process,
 * chance (spec 6.3).
 */
export function newToken(): Uint8Array {
  const token = randomBytes(64);
  const now = performance.timeOrigin + performance.now();
  token.writeBigUInt64LE(BigInt(Math.round(now * 1e6)), 0);
  token.writeUInt32LE(process.pid, 16);
  return token;
}
