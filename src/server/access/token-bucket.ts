/** So many at once, and so many more with time, for each of many names. */
export interface TokenBuckets {
  /** Takes one for `name`. 0: there it was; else the milliseconds until there is one. */
  take(name: string): number;
  /** Puts one back that was taken. */
  giveBack(name: string): void;
}

/** How much each name has. */
export interface BucketSize {
  readonly burst: number;
  readonly perMs: number;
  readonly now: () => number;
  /** Of so many names it is known how much they took; whoever was not heard of longest is forgotten. */
  readonly maxNames?: number;
}

/** All are full to begin with. */
export function createTokenBuckets({
  burst,
  perMs,
  now,
  maxNames = 10_000,
}: BucketSize): TokenBuckets {
  const buckets = new Map<string, { left: number; at: number }>();
  const current = (name: string): { left: number; at: number } => {
    const bucket = buckets.get(name);
    const at = now();
    if (!bucket) return { left: burst, at };
    const gained = Math.max(0, at - bucket.at) * perMs;
    return { left: Math.min(burst, bucket.left + gained), at };
  };
  const waitFor = ({ left }: { readonly left: number }) =>
    left >= 1 ? 0 : Math.max(1, Math.ceil((1 - left) / perMs));
  return {
    take(name) {
      const bucket = current(name);
      const wait = waitFor(bucket);
      if (wait === 0) bucket.left -= 1;
      buckets.delete(name);
      buckets.set(name, bucket);
      if (buckets.size > maxNames) buckets.delete(buckets.keys().next().value ?? "");
      return wait;
    },
    giveBack(name) {
      const bucket = buckets.get(name);
      if (bucket) bucket.left = Math.min(burst, bucket.left + 1);
    },
  };
}

/** Whom a limit by address is for: of IPv6, where everybody has 2⁶⁴ of them, the network. */
export function addressGroup(address: string): string {
  if (!address.includes(":")) return address;
  const [head = ""] = address.split("%");
  const [left = "", right] = head.split("::");
  const groups = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const gap = right === undefined ? 0 : Math.max(0, 8 - groups.length - tail.length);
  const all = [...groups, ...Array.from({ length: gap }, () => "0"), ...tail];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, "").toLowerCase())
    .join(":")}::/64`;
}
