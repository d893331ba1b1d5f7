import type { Access, Credentials } from "../access.ts";
import type { Caller } from "../caller.ts";
import { isSameSite } from "../same-site.ts";

/**
 * Where nothing is configured: who is on this machine may do all, others nothing. What a proxy on this machine hands on is
 * not from here, and what a browser sends for another site's page is not from somebody who meant to.
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

const signsOfProxies = ["forwarded", "x-forwarded-for", "x-real-ip"];

function isFromHere({ address, headers }: Credentials): boolean {
  const isLocal = address === "local" || address === "::1" || address.startsWith("127.");
  if (!isLocal || signsOfProxies.some((name) => headers[name] !== undefined)) return false;
  const isBrowser = headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;
  return !isBrowser || isOwnPage(headers);
}

/** By the name that it was asked by, too: a foreign name that leads here (DNS rebinding) makes no page ours. */
function isOwnPage(headers: Credentials["headers"]): boolean {
  return (
    /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(headers.host ?? "") &&
    isSameSite(headers)
  );
}
