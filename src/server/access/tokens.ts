import { createHash, randomBytes } from "node:crypto";
import { type Grant, type Grants, readGrants } from "./grants.ts";
import type { TokenKey } from "./token-keys.ts";

/** What a token says; only what our own keys have signed is ever read. */
export interface TokenClaims {
  /** Undefined: nobody in particular. */
  readonly user: string | undefined;
  readonly grants: Grants;
}

/** Issues and reads bearer tokens — docs.docker.com, "Token authentication implementation". */
export interface Tokens {
  issue(user: string | undefined, access: readonly Grant[]): Promise<IssuedToken>;
  /** Undefined where it is not ours, not for us, or over. */
  read(token: string): Promise<TokenClaims | undefined>;
  /** For another token later, as long as `secret` (what the user is known by) stays the same. Undefined: there are none. */
  issueRefresh(user: string, secret: string): Promise<string | undefined>;
  readRefresh(
    token: string,
  ): Promise<{ readonly user: string; readonly secretMark: string } | undefined>;
}

/** A token, and how long it is good. */
export interface IssuedToken {
  readonly token: string;
  readonly lifetimeMs: number;
  readonly issuedAt: Date;
}

/** What tokens are made with. */
export interface TokenParts {
  /** The first signs, all are trusted. */
  readonly keys: readonly [TokenKey, ...TokenKey[]];
  readonly issuer: string;
  readonly service: string;
  readonly lifetimeMs: number;
  /** 0: none. */
  readonly refreshLifetimeMs: number;
  readonly now: () => number;
}

const maxKnown = 4096;
const maxLength = 16 * 1024;

/**
 * Keys are those given and no others: what a token's head says of keys (`jwk`, `kid`, `x5c`) is not looked at
 * (CVE-2025-24976 came of that). A token that was good is known again until it is over.
 */
export function createTokens(parts: TokenParts): Tokens {
  const { issuer, service, lifetimeMs, refreshLifetimeMs, now } = parts;
  const known = new Map<string, { readonly claims: TokenClaims; readonly until: number }>();
  const [key] = parts.keys;
  const sign = async (claims: object, audience: string, subject: string, forMs: number) => {
    const { SignJWT } = await import("jose");
    const at = Math.floor(now() / 1000);
    return await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: key.algorithm, typ: "JWT" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt(at)
      .setNotBefore(at)
      .setExpirationTime(at + Math.ceil(forMs / 1000))
      .setJti(randomBytes(16).toString("hex"))
      .sign(key.privateKey);
  };
  const verify = (token: string, audience: string) =>
    verifyBy(parts.keys, token, { issuer, audience, currentDate: new Date(now()) });
  return {
    async issue(user, access) {
      const token = await sign({ access }, service, user ?? "", lifetimeMs);
      return { token, lifetimeMs, issuedAt: new Date(Math.floor(now() / 1000) * 1000) };
    },
    async read(token) {
      if (token.length > maxLength) return undefined;
      const mark = createHash("sha256").update(token).digest("base64");
      const seen = known.get(mark);
      if (seen && seen.until > now()) return seen.claims;
      known.delete(mark);
      const payload = await verify(token, service);
      if (!payload?.exp) return undefined;
      const { sub = "", access } = payload;
      const grants = readGrants(access);
      if (!grants) return undefined;
      const claims = { user: sub === "" ? undefined : sub, grants };
      if (known.size >= maxKnown) known.delete(known.keys().next().value ?? "");
      known.set(mark, { claims, until: payload.exp * 1000 });
      return claims;
    },
    async issueRefresh(user, secret) {
      if (refreshLifetimeMs === 0) return undefined;
      const claims = { secret: secretMark(secret) };
      return await sign(claims, refreshAudience(service), user, refreshLifetimeMs);
    },
    async readRefresh(token) {
      if (refreshLifetimeMs === 0 || token.length > maxLength) return undefined;
      const payload = await verify(token, refreshAudience(service));
      if (!payload?.sub || typeof payload["secret"] !== "string") return undefined;
      return { user: payload.sub, secretMark: payload["secret"] };
    },
  };
}

/** What a refresh token knows of its user's password hash. */
export function secretMark(secret: string): string {
  return createHash("sha256").update(`refresh\0${secret}`).digest("base64url");
}

/** No repository's service: one is never taken for the other. */
function refreshAudience(service: string): string {
  return `${service} refresh`;
}

async function verifyBy(
  keys: readonly TokenKey[],
  token: string,
  options: { readonly issuer: string; readonly audience: string; readonly currentDate: Date },
) {
  const { jwtVerify } = await import("jose");
  for (const { publicKey, algorithm } of keys) {
    try {
      const { payload } = await jwtVerify(token, publicKey, {
        ...options,
        algorithms: [algorithm],
        requiredClaims: ["exp", "sub"],
      });
      return payload;
    } catch {
      // Perhaps the next.
    }
  }
  return undefined;
}
