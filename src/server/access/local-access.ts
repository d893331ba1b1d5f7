import type { Access, Credentials } from "../access.ts";
import type { Caller } from "../caller.ts";

/**
 * Where nothing is configured: who is on this machine may do all, others nothing. What a proxy on this machine hands on is
 * not from here, and what a browser sends is not from somebody who meant to.
 */
export function localAccess(): Access {
  const here = new WeakSet<Caller>();
  return {
    anonymous: true,
    async identify(credentials) {
      const caller = { user: undefined, address: credentials.address };
      if (isFromHere(credentials)) here.add(caller);
      return caller;
    },
    allows: (caller) => here.has(caller),
    challenge: () => 'Basic realm="amphora"',
  };
}

const signsOfOthers = ["forwarded", "x-forwarded-for", "x-real-ip", "origin", "sec-fetch-site"];

function isFromHere({ address, headers }: Credentials): boolean {
  const isLocal = address === "local" || address === "::1" || address.startsWith("127.");
  return isLocal && signsOfOthers.every((name) => headers[name] === undefined);
}
