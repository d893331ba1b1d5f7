import { userOf } from "./registry/access.ts";
import { type Exchange, requestHeader } from "./registry/exchange.ts";
import { plainFeatures } from "./registry/features.ts";
import { errorReply, jsonReply, type Reply } from "./registry/reply.ts";
import { FaultyServer, type ServerTls } from "./registry/server.ts";
import { RegistryStore } from "./registry/store.ts";
import { type IssuerRules, TokenIssuer } from "./token-issuer.ts";

export interface TokenServerOptions extends IssuerRules {
  /** Whether the OAuth2 POST is there; else it is answered with this status. Default true. */
  readonly oauth?: boolean | number;
  /** Users by their refresh (identity) tokens. */
  readonly refreshTokens?: Readonly<Record<string, string>>;
  /** The field the token comes in. Default both. */
  readonly field?: "token" | "access_token";
  readonly tls?: ServerTls;
}

/** A token service of its own origin — distribution, "Token Authentication". */
export interface TokenServer extends AsyncDisposable {
  readonly issuer: TokenIssuer;
  /** The URL for `realm=`. */
  readonly realm: string;
  readonly server: FaultyServer;
}

/** Starts a token service on a free port. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const issuer = new TokenIssuer(options);
  const server = await FaultyServer.start({
    handle: (exchange) => answer(exchange, issuer, options),
    features: () => plainFeatures,
    store: new RegistryStore(),
    keepBytes: 0,
    ...(options.tls && { tls: options.tls }),
  });
  return {
    issuer,
    server,
    realm: `${server.origin}/token`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function answer(
  exchange: Exchange,
  issuer: TokenIssuer,
  options: TokenServerOptions,
): Promise<Reply> {
  if (exchange.operation.kind !== "token") return errorReply(404, "UNSUPPORTED", "no such page");
  if (exchange.operation.method === "GET") return byGet(exchange, issuer, options);
  const oauth = options.oauth ?? true;
  if (oauth === true) return byPost(exchange, issuer, options);
  return errorReply(typeof oauth === "number" ? oauth : 404, "UNSUPPORTED", "no OAuth2 here");
}

function byGet(exchange: Exchange, issuer: TokenIssuer, options: TokenServerOptions): Reply {
  const { searchParams } = exchange.operation.url;
  const header = requestHeader(exchange, "authorization");
  const user = userOf(header, issuer.rules.users);
  if (header !== "" && user === undefined) {
    return jsonReply(401, { details: "incorrect username or password" });
  }
  const scopes = searchParams.getAll("scope").flatMap((scope) => scope.split(" "));
  return tokenReply(issuer, options, user, scopes, searchParams.get("service"));
}

async function byPost(
  exchange: Exchange,
  issuer: TokenIssuer,
  options: TokenServerOptions,
): Promise<Reply> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exchange.body) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  const user = oauthUser(form, issuer, options);
  if (user === undefined) {
    return jsonReply(401, { error: "invalid_grant", error_description: "bad credentials" });
  }
  const scopes = (form.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
  return tokenReply(issuer, options, user, scopes, form.get("service"));
}

function oauthUser(
  form: URLSearchParams,
  issuer: TokenIssuer,
  options: TokenServerOptions,
): string | undefined {
  if (form.get("grant_type") === "refresh_token") {
    return options.refreshTokens?.[form.get("refresh_token") ?? ""];
  }
  const user = form.get("username") ?? "";
  return Object.hasOwn(issuer.rules.users, user) &&
    issuer.rules.users[user] === form.get("password")
    ? user
    : undefined;
}

function tokenReply(
  issuer: TokenIssuer,
  options: TokenServerOptions,
  user: string | undefined,
  scopes: readonly string[],
  service: string | null,
): Reply {
  const issued = issuer.issue(user, scopes, service ?? "");
  if (issued === "refused") return errorReply(403, "DENIED", "scope refused");
  return jsonReply(200, {
    ...(options.field !== "access_token" && { token: issued.token }),
    ...(options.field !== "token" && { access_token: issued.token }),
    ...(issued.expiresIn !== undefined && { expires_in: issued.expiresIn }),
    issued_at: new Date().toISOString(),
  });
}
