import { createHash, randomBytes } from "node:crypto";

/** Somebody who logged in with a password, for a while. */
export interface Session {
  readonly user: string;
}

/** Who is logged in. Kept in memory: after a restart they log in again. */
export interface Sessions {
  /** @param secret what the user is known by now. @returns the cookie's value */
  begin(user: string, secret: string): string;
  /** The session of a cookie's value, where it still counts. */
  find(token: string): Session | undefined;
  end(token: string): void;
}

/** How long and how many. */
export interface SessionLimits {
  readonly longestMs: number;
  /** Without a request. */
  readonly idleMs: number;
  readonly perUser: number;
}

const defaults: SessionLimits = { longestMs: 12 * 3_600_000, idleMs: 2 * 3_600_000, perUser: 20 };

interface Kept extends Session {
  readonly begunAt: number;
  readonly secret: string;
  usedAt: number;
}

/**
 * @param secretOf what a user is known by; where it has changed since, the session is over
 * @param now in milliseconds
 */
export function createSessions(
  secretOf: (user: string) => string | undefined,
  now: () => number,
  limits: Partial<SessionLimits> = {},
): Sessions {
  const { longestMs, idleMs, perUser } = { ...defaults, ...limits };
  // By hash: how long a look takes tells nothing of the tokens.
  const kept = new Map<string, Kept>();
  const isOver = ({ begunAt, usedAt, user, secret }: Kept, at: number) =>
    at - begunAt > longestMs || at - usedAt > idleMs || markOf(secretOf(user)) !== secret;
  return {
    begin(user, secret) {
      makeRoom(kept, user, perUser, (session) => isOver(session, now()));
      const token = randomBytes(32).toString("base64url");
      kept.set(markOf(token), { user, secret: markOf(secret), begunAt: now(), usedAt: now() });
      return token;
    },
    find(token) {
      const key = markOf(token);
      const session = kept.get(key);
      if (!session) return undefined;
      if (isOver(session, now())) {
        kept.delete(key);
        return undefined;
      }
      session.usedAt = now();
      return { user: session.user };
    },
    end(token) {
      kept.delete(markOf(token));
    },
  };
}

/** The user's oldest go, and all that are over. */
function makeRoom(
  kept: Map<string, Kept>,
  user: string,
  perUser: number,
  isOver: (session: Kept) => boolean,
): void {
  for (const [key, session] of kept) if (isOver(session)) kept.delete(key);
  const own = [...kept].filter(([, session]) => session.user === user);
  for (const [key] of own.slice(0, Math.max(0, own.length - perUser + 1))) kept.delete(key);
}

function markOf(secret: string | undefined): string {
  return secret === undefined ? "" : createHash("sha256").update(secret).digest("hex");
}
