import { libc, succeeded } from "./libc.ts";

/** Capabilities by their number — linux/capability.h. */
export const capability = {
  chown: 0,
  dacOverride: 1,
  fowner: 3,
  fsetid: 4,
  sysAdmin: 21,
  mknod: 27,
  setfcap: 31,
} as const;

const capget = libc.func("int capget(void *header, _Out_ void *data)");
const capset = libc.func("int capset(void *header, const void *data)");

/**
 * Gives up, for the calling thread and for good, all capabilities but those listed; of these, what it does not have it does not
 * get.
 *
 * @throws {SystemCallError}
 */
export function keepCapabilities(kept: readonly number[]): void {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x20080522, 0);
  const data = Buffer.alloc(24);
  succeeded(capget(header, data), "capget", "");
  const low = kept.reduce((mask, bit) => (bit < 32 ? mask | (1 << bit) : mask), 0);
  // Effective and permitted stay as far as listed, inheritable ones go: first for numbers below 32, then above.
  for (const at of [0, 4]) data.writeInt32LE(data.readInt32LE(at) & low, at);
  data.fill(0, 8);
  succeeded(capset(header, data), "capset", "");
}
