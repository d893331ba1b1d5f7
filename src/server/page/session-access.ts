import type { IncomingHttpHeaders } from "node:http";
import { KnownCaller } from "../access/known-caller.ts";
import type { Access, Credentials } from "../access.ts";
import { isSameSite } from "../same-site.ts";
import type { Sessions } from "./sessions.ts";

/** The cookie's name; browsers hold the first to TLS and to this very host. */
export function cookieName(secure: boolean): string {
  return secure ? "__Host-amphora" : "amphora";
}

/** The session's token in a request's cookies. */
export function tokenIn(headers: IncomingHttpHeaders, secure: boolean): string | undefined {
  const name = cookieName(secure);
  for (const part of (headers.cookie ?? "").split(";")) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name && value !== undefined && /^[\w-]{43}$/.test(value)) return value;
  }
  return undefined;
}

/**
 * Access for what browsers use: who has logged in at the page is known by the cookie. It counts where the request is made
 * by our own page and says nothing else of who asks.
 */
export function withSessions(access: Access, sessions: Sessions): Access {
  return {
    ...access,
    async identify(credentials) {
      const session = sessionOf(credentials, sessions);
      if (!session) return await access.identify(credentials);
      return new KnownCaller(session.user, credentials.address);
    },
    challenge(repository, actions, request, source) {
      const isScript =
        request?.headers["sec-fetch-mode"] !== undefined &&
        request.headers["sec-fetch-mode"] !== "navigate";
      // A browser that is told of a scheme it knows asks for a password by itself, over the page's own form.
      return isScript
        ? 'Session realm="amphora"'
        : access.challenge(repository, actions, request, source);
    },
  };
}

function sessionOf({ headers, secure = false }: Credentials, sessions: Sessions) {
  if (headers.authorization !== undefined || !isSameSite(headers)) return undefined;
  const token = tokenIn(headers, secure);
  return token === undefined ? undefined : sessions.find(token);
}
