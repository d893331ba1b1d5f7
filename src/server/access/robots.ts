import { createHash } from "node:crypto";
import { ServerError } from "../errors.ts";
import type { AccessSettings } from "./settings.ts";
import { readText } from "./user-files.ts";

/** Users that have a fixed token in place of a password. */
export interface Robots {
  /** Whose token it is, of those whose time is not over. It is found by its hash, so that nothing is told by how long it takes. */
  ownerOf(token: string, now: number): string | undefined;
  has(name: string): boolean;
}

const minLength = 20;

/** @throws {ServerError} `server.bad-file` where a token cannot be read, or could be guessed */
export function loadRobots(settings: AccessSettings["robots"]): Robots {
  const owners = new Map<string, { readonly name: string; readonly until: number }>();
  for (const [name, { sha256, tokenFile, expires }] of Object.entries(settings)) {
    const until = expires ?? Number.POSITIVE_INFINITY;
    owners.set(sha256 ?? hashOf(readToken(tokenFile ?? "")), { name, until });
  }
  return {
    ownerOf(token, now) {
      const owner = token.length > 4096 ? undefined : owners.get(hashOf(token));
      return owner && owner.until > now ? owner.name : undefined;
    },
    has: (name) => Object.hasOwn(settings, name),
  };
}

function readToken(file: string): string {
  const token = readText(file).trim();
  if (token.length >= minLength && !/\s/.test(token)) return token;
  throw new ServerError(
    "server.bad-file",
    `${file}: expected a token of ${minLength} letters or more`,
    {
      hint: "Make one with `openssl rand -hex 32`",
    },
  );
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
