import { ContentError } from "../core/errors.ts";
import { goAny, goText } from "../core/go-scalars.ts";
import { always, type GoValue, goStruct } from "../core/go-struct.ts";
import { readAs } from "../core/go-type.ts";
import { JsonNumber, parseJsonText } from "../core/json-text.ts";
import { decodeUtf8 } from "../core/utf8.ts";
import { basicAuthorization, type Credentials } from "./credentials.ts";
import { RegistryError } from "./errors.ts";
import { quotedBytes } from "./printable.ts";
import type { Realm } from "./realm.ts";
import { redactedUrl } from "./redact.ts";
import type { Reply } from "./reply.ts";
import { formatScopes, type Scopes } from "./scope.ts";

const maxTokenBody = 256 * 1024;

/** A request to a token service. */
export interface TokenRequest {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A bearer token and how long it lives, from the moment it was answered. */
export interface Token {
  readonly value: string;
  readonly lifeMs: number;
}

/** The request for a token by GET, with Basic where there are credentials — distribution, "Token Authentication". */
export function tokenByGet(
  realm: Realm,
  scopes: Scopes,
  credentials: Credentials | undefined,
): TokenRequest {
  const url = new URL(realm.url);
  const basic = basicOf(credentials);
  if (basic?.username) url.searchParams.append("account", basic.username);
  for (const scope of formatScopes(scopes)) url.searchParams.append("scope", scope);
  if (realm.service !== undefined) url.searchParams.append("service", realm.service);
  url.searchParams.sort();
  // As Go's clients: a name without a password, or the other way round, is not shown as proof of anything.
  const proof = basic?.username && basic.password ? basic : undefined;
  return {
    method: "GET",
    url,
    headers: proof ? { authorization: basicAuthorization(proof.username, proof.password) } : {},
  };
}

/** The request for a token by POST, with an identity token — distribution, "OAuth2 Token Authentication". */
export function tokenByPost(realm: Realm, scopes: Scopes, identityToken: string): TokenRequest {
  const form = new URLSearchParams({
    client_id: "containers/image",
    grant_type: "refresh_token",
    refresh_token: identityToken,
  });
  if (scopes.size > 0) form.set("scope", formatScopes(scopes).join(" "));
  if (realm.service !== undefined) form.set("service", realm.service);
  return {
    method: "POST",
    url: realm.url,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: Buffer.from(form.toString()),
  };
}

/**
 * The token in a token service's answer; undefined where it holds none.
 *
 * @throws {RegistryError} where the service refused, failed or spoke nonsense
 */
export async function readToken(reply: Reply): Promise<Token | undefined> {
  if (reply.status === 401) {
    const error = await reply.toError(
      "unable to retrieve auth token: invalid username/password",
      "registry.unauthorized",
    );
    throw error;
  }
  if (reply.status === 429) {
    await reply.discard();
    throw new RegistryError("registry.rate-limited", "too many requests to registry", {
      retryable: true,
      status: 429,
      url: redactedUrl(reply.url),
    });
  }
  if (reply.status !== 200) throw await unexpected(reply);
  const { url } = reply;
  return parseToken(await reply.bytes(maxTokenBody), url);
}

async function unexpected(reply: Reply): Promise<RegistryError> {
  const told = await reply.toError("");
  const line = `${reply.status} ${reply.reason}`.trimEnd();
  return new RegistryError(
    told.code,
    `Requesting bearer token: received unexpected HTTP status: ${line}`,
    {
      retryable: told.retryable,
      status: reply.status,
      url: redactedUrl(reply.url),
      entries: told.entries,
    },
  );
}

/** Nameless, as Go's texts have it. How long it lives is read leniently: services write it as text and as a fraction. */
const tokenMembers = goStruct("", {
  token: always(goText),
  access_token: always(goText),
  expires_in: always(goAny),
});

function parseToken(body: Uint8Array, url: URL): Token | undefined {
  const { token, access_token, expires_in } = readMembers(body, url);
  const value = token || access_token;
  if (value === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new RegistryError("registry.bad-response", "bearer token holds invalid characters", {
      url: redactedUrl(url),
    });
  }
  const seconds = Number(expires_in instanceof JsonNumber ? expires_in.text : expires_in);
  return { value, lifeMs: (Number.isFinite(seconds) && seconds > 0 ? seconds : 60) * 1000 };
}

function readMembers(body: Uint8Array, url: URL): GoValue<typeof tokenMembers> {
  try {
    return readAs(
      tokenMembers,
      parseJsonText(decodeUtf8(body), { maxDepth: 100 }),
      "content.bad-json",
    );
  } catch (cause) {
    if (!(cause instanceof ContentError)) throw cause;
    const start = quotedBytes(body.subarray(0, 30));
    throw new RegistryError(
      "registry.bad-response",
      `decoding bearer token (last URL ${JSON.stringify(redactedUrl(url))}, body start ${start}): ${cause.message}`,
      { cause, url: redactedUrl(url) },
    );
  }
}

function basicOf(
  credentials: Credentials | undefined,
): { username: string; password: string } | undefined {
  if (!credentials || "registryToken" in credentials) return undefined;
  if ("password" in credentials) return credentials;
  return { username: credentials.username ?? "<token>", password: credentials.identityToken };
}
