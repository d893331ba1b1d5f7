import type { ServerCall } from "../caller.ts";

/** A call for work that others may wait for too: it has its own time, and does not end with the first one's request. */
export function ownCall(call: ServerCall, timeoutMs: number): ServerCall {
  const { caller, hops } = call;
  const signal = AbortSignal.timeout(timeoutMs);
  return { caller, signal, ...(hops !== undefined && { hops }) };
}
