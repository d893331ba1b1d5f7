import { join } from "node:path";
import { hasAnonymousRights } from "./rules.ts";
import { type AccessSettings, type TokenSettings, tokenSettings } from "./settings.ts";
import { loadOrMakeTokenKey, loadTokenKey, type TokenKey } from "./token-keys.ts";
import { createTokens, type Tokens } from "./tokens.ts";

/** Tokens, and what is said of them. */
export interface ConfiguredTokens {
  readonly tokens: Tokens;
  readonly service: string;
  readonly url: string | undefined;
}

/**
 * By the settings; also where they say nothing, but both users and everybody have rights: of the clients that ask without a
 * name, Docker gives up where it is asked for a password, and others never tell theirs where it is not.
 *
 * @throws {ServerError} `server.bad-file`
 */
export function configuredTokens(
  settings: AccessSettings,
  parts: { readonly name: string; readonly data: string; readonly now: () => number },
): ConfiguredTokens | undefined {
  const set = settings.tokens ?? (isMixed(settings) ? tokenSettings.parse({}) : undefined);
  if (!set) return undefined;
  const service = set.service ?? parts.name;
  const tokens = createTokens({
    keys: keysOf(set, parts.data),
    issuer: parts.name,
    service,
    lifetimeMs: set.lifetime,
    refreshLifetimeMs: set.refreshLifetime,
    now: parts.now,
  });
  return { tokens, service, url: set.url };
}

function isMixed(settings: AccessSettings): boolean {
  const hasUsers = settings.htpasswd !== undefined || Object.keys(settings.robots).length > 0;
  return hasUsers && hasAnonymousRights(settings);
}

function keysOf({ keys }: TokenSettings, data: string): readonly [TokenKey, ...TokenKey[]] {
  const [first, ...others] = keys.map(loadTokenKey);
  return [first ?? loadOrMakeTokenKey(join(data, "keys", "token.pem")), ...others];
}
