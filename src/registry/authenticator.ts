import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Clock } from "./clock.ts";
import { basicAuthorization, type Credentials, type PasswordCredentials } from "./credentials.ts";
import { RegistryError } from "./errors.ts";
import { isOwnRealm, type Realm, usableRealm } from "./realm.ts";
import type { Reply } from "./reply.ts";
import { coversScopes, formatScopes, joinScopes, parseScopes, type Scopes } from "./scope.ts";
import { readToken, type Token, type TokenRequest, tokenByGet, tokenByPost } from "./token.ts";

/** What an {@link Authenticator} works with. */
export interface AuthenticatorOptions {
  /** Asked once, when the registry first wants to know who we are. */
  readonly credentials: () => Promise<Credentials | undefined>;
  /** The registry's origin, as far as known. */
  readonly origin: () => URL;
  readonly insecure: boolean;
  readonly strictRealm: boolean;
  readonly clock: Clock;
  /** Sends a request to a token service, wherever that is. */
  readonly send: (request: TokenRequest) => Promise<Reply>;
  readonly notice: (text: string) => void;
}

interface HeldToken extends Token {
  readonly realm: Realm;
  readonly scopes: Scopes;
  readonly bornAt: number;
}

type Scheme = { readonly type: "basic" } | { readonly type: "bearer"; readonly realm: Realm };

/**
 * Who we are to one registry: what it demands (learned from its 401s), and the tokens got so far. Nothing is sent to a
 * registry that has not asked.
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #tokens: HeldToken[] = [];
  readonly #flights = new Map<string, Promise<HeldToken | undefined>>();
  /** What the registry demanded beyond what was asked for, by the scopes asked for. */
  readonly #demanded = new Map<string, Scopes>();
  #scheme: Scheme | undefined;
  #credentials: Promise<Credentials | undefined> | undefined;
  #noticed = false;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * The value of `Authorization`, or undefined where none is called for or none can be had. `fresh`: for a request that
   * takes long, a token that has most of its life before it.
   */
  async authorization(scopes: Scopes, fresh: boolean): Promise<string | undefined> {
    const scheme = this.#scheme;
    if (!scheme) return undefined;
    const credentials = await this.credentials();
    if (scheme.type === "basic") {
      const basic = credentials && passwordOf(credentials);
      return basic && basicAuthorization(basic.username, basic.password);
    }
    if (credentials && "registryToken" in credentials) return `Bearer ${credentials.registryToken}`;
    const wanted = joinScopes(scopes, this.#demanded.get(keyOf(scopes)) ?? new Map());
    const token = await this.#token(scheme.realm, wanted, fresh);
    return token && `Bearer ${token.value}`;
  }

  /** The user's credentials for this registry. */
  credentials(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#options.credentials();
    return this.#credentials;
  }

  /**
   * Learns from a 401 (or a 403 of a ping) that answered a request for `scopes` sent with `used`.
   *
   * @returns whether the next {@link authorization} may be a better one
   */
  learn(lines: readonly string[], used: string | undefined, scopes: Scopes): boolean {
    const challenges = parseChallenges(lines);
    const before = this.#scheme;
    const chosen = this.#choose(challenges);
    if (!chosen) return false;
    this.#scheme = chosen.scheme;
    if (used === undefined) return true;
    if (chosen.scheme.type === "basic") return before?.type !== "basic";
    this.#forget(used);
    const demanded = parseScopes(chosen.challenge.parameters.get("scope") ?? "");
    const key = keyOf(scopes);
    this.#demanded.set(key, joinScopes(this.#demanded.get(key) ?? new Map(), demanded));
    return true;
  }

  /** Whether a challenge was seen. */
  get challenged(): boolean {
    return this.#scheme !== undefined;
  }

  #choose(
    challenges: readonly Challenge[],
  ): { readonly scheme: Scheme; readonly challenge: Challenge } | undefined {
    const { origin, insecure } = this.#options;
    for (const challenge of challenges) {
      const realm =
        challenge.scheme === "bearer" ? usableRealm(challenge, origin(), insecure) : undefined;
      if (realm) return { scheme: { type: "bearer", realm }, challenge };
    }
    const basic = challenges.find(({ scheme }) => scheme === "basic");
    return basic && { scheme: { type: "basic" }, challenge: basic };
  }

  /**
   * A token that is refused before its time makes all that are held doubtful: another of them must not be what the request
   * is sent again with. One that is no longer held was refused to somebody else, and what is held now is fresh.
   */
  #forget(authorization: string): void {
    const held = this.#tokens.some(({ value }) => authorization === `Bearer ${value}`);
    if (held) this.#tokens.length = 0;
  }

  async #token(realm: Realm, scopes: Scopes, fresh: boolean): Promise<HeldToken | undefined> {
    const held = this.#tokens.find(
      (token) =>
        token.realm.url.href === realm.url.href &&
        token.realm.service === realm.service &&
        coversScopes(token.scopes, scopes) &&
        (scopes.size > 0 || token.scopes.size === 0) &&
        this.#isUsable(token, fresh),
    );
    if (held) return held;
    const key = `${realm.url.href} ${realm.service} ${keyOf(scopes)}`;
    const flight = this.#flights.get(key) ?? this.#fetch(realm, scopes);
    this.#flights.set(key, flight);
    try {
      return await flight;
    } finally {
      this.#flights.delete(key);
    }
  }

  #isUsable({ bornAt, lifeMs }: HeldToken, fresh: boolean): boolean {
    const left = bornAt + lifeMs - this.#options.clock.now();
    if (fresh) return left >= 60_000 && left >= lifeMs / 2;
    return left > Math.min(30_000, lifeMs / 10);
  }

  async #fetch(realm: Realm, scopes: Scopes): Promise<HeldToken | undefined> {
    const credentials = await this.#credentialsFor(realm);
    const token = await this.#request(realm, scopes, credentials);
    if (!token) return undefined;
    const held = { ...token, realm, scopes, bornAt: this.#options.clock.now() };
    const alive = this.#tokens.filter((other) => this.#isUsable(other, false));
    this.#tokens.splice(0, this.#tokens.length, held, ...alive);
    return held;
  }

  async #request(
    realm: Realm,
    scopes: Scopes,
    credentials: Credentials | undefined,
  ): Promise<Token | undefined> {
    const { send } = this.#options;
    if (credentials && "identityToken" in credentials) {
      const reply = await send(tokenByPost(realm, scopes, credentials.identityToken));
      if (reply.status !== 404 && reply.status !== 405) return readToken(reply);
      await reply.discard(); // a token service from before OAuth2
    }
    return readToken(await send(tokenByGet(realm, scopes, credentials)));
  }

  /** Credentials go to a realm of the registry's own; to another only as skopeo would, and not unnoticed. */
  async #credentialsFor(realm: Realm): Promise<Credentials | undefined> {
    const credentials = await this.credentials();
    if (!credentials || (await isOwnRealm(this.#options.origin(), realm.url))) return credentials;
    const where = `${this.#options.origin().host} wants credentials sent to ${realm.url.host}`;
    if (this.#options.strictRealm) {
      throw new RegistryError("registry.bad-redirect", `${where}: refused`);
    }
    if (!this.#noticed) this.#options.notice(where);
    this.#noticed = true;
    return credentials;
  }
}

function passwordOf(credentials: Credentials): PasswordCredentials | undefined {
  if ("registryToken" in credentials) return credentials.basic;
  return "password" in credentials ? credentials : undefined;
}

function keyOf(scopes: Scopes): string {
  return formatScopes(scopes).toSorted().join(" ");
}
