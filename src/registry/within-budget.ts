import type { HostBudget } from "./host-budget.ts";
import type { RequestBody } from "./http/contract.ts";
import { paced } from "./paced-bytes.ts";

/** Up to this size what is sent counts as no blob: manifests, and the answers to them. */
const unpacedBytes = 64 * 1024;

/** Whether there is anything to wait for. */
export function isLimited({ rates: { requestsPerSecond, bytesPerSecond } }: HostBudget): boolean {
  return requestsPerSecond !== undefined || bytesPerSecond !== undefined;
}

/**
 * Waits until a request may be sent; its body, which is given back, goes bit by bit if it is long.
 *
 * @param own whether it goes to the registry itself: others' requests are not counted, their bytes are
 */
export async function withinBudget(
  budget: HostBudget,
  { body, signal }: { readonly body?: RequestBody; readonly signal: AbortSignal },
  own: boolean,
): Promise<RequestBody | undefined> {
  const { requestsPerSecond, bytesPerSecond } = budget.rates;
  if (own && requestsPerSecond !== undefined) await budget.spend("requests", 1, signal);
  if (body === undefined || bytesPerSecond === undefined) return body;
  if (!(body instanceof Uint8Array)) return { ...body, bytes: paced(body.bytes, budget, signal) };
  if (body.byteLength <= unpacedBytes) return body;
  return { length: body.byteLength, bytes: paced(onlyOne(body), budget, signal) };
}

async function* onlyOne(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
