import type { Identify } from "./identify.ts";
import { tooMany } from "./passwords.ts";
import { addressGroup, createTokenBuckets, type TokenBuckets } from "./token-bucket.ts";

/** Requests a second, with as many again at once after a rest; 0: as many as they like. */
export interface RequestLimits {
  readonly perUser: number;
  readonly perAddress: number;
  readonly now: () => number;
}

/** Answers 429 where an address or a user asks more than it may. */
export function limitRequests(
  identify: Identify,
  { perUser, perAddress, now }: RequestLimits,
): Identify {
  const users = buckets(perUser, now);
  const addresses = buckets(perAddress, now);
  if (!users && !addresses) return identify;
  return async (credentials) => {
    take(addresses, addressGroup(credentials.address));
    const caller = await identify(credentials);
    if (caller.user !== undefined) take(users, caller.user);
    return caller;
  };
}

function buckets(perSecond: number, now: () => number): TokenBuckets | undefined {
  if (perSecond === 0) return undefined;
  return createTokenBuckets({ burst: perSecond * 2, perMs: perSecond / 1000, now });
}

function take(limit: TokenBuckets | undefined, name: string): void {
  const wait = limit?.take(name) ?? 0;
  if (wait > 0) throw tooMany("too many requests", wait);
}
