import { KnownError } from "../../src/core/errors.ts";
import { goQuote } from "../../src/core/go-quote.ts";
import { SignatureError } from "../errors.ts";
import { claimsOf, type IdToken, subjectOf, type TokenClaims } from "./id-token.ts";
import { endpointOf, parseServiceUrl, type ServiceClient } from "./service-client.ts";

/** Those that can be checked with keys that everybody may read. */
const asymmetric = /^(?:RS|ES|PS)(?:256|384|512)$|^EdDSA$/;

/** Who is to be asked for a token, and as what program. */
export interface OidcClient {
  readonly id: string;
  readonly secret?: string;
}

/** An issuer of identities, by its OpenID Connect Discovery 1.0 document. */
export interface OidcProvider {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly deviceEndpoint: string;
  /**
   * Checks a token that came from there, as go-oidc does: who gave it, for whom, whether it holds still, and its signature.
   *
   * @param nonce what it must repeat
   * @throws {SignatureError} `signature.cannot-sign`
   */
  verify(token: string, client: OidcClient, signal: AbortSignal, nonce?: string): Promise<IdToken>;
}

/**
 * Reads what an issuer says of itself. One without PKCE (RFC 7636) by SHA-256 is refused: a code that is overheard would
 * be worth a token.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function discoverProvider(
  client: ServiceClient,
  issuer: string,
  now: () => Date,
  signal: AbortSignal,
): Promise<OidcProvider> {
  const at = endpointOf(
    parseServiceUrl("oidcIssuerURL", issuer),
    "/.well-known/openid-configuration",
  );
  const known = await getJson(client, at, signal);
  if (known["issuer"] !== issuer) {
    const [wanted, got] = [issuer, textOf(known, "issuer")].map(goQuote);
    throw bad(
      `oidc: issuer did not match the issuer returned by provider, expected ${wanted} got ${got}`,
    );
  }
  if (!textsOf(known, "code_challenge_methods_supported").includes("S256")) {
    throw bad("PKCE is not supported by OIDC provider ''");
  }
  const offered = textsOf(known, "id_token_signing_alg_values_supported");
  const usable = offered.filter((name) => asymmetric.test(name));
  const algorithms = usable.length > 0 ? usable : ["RS256"];
  return {
    authorizationEndpoint: textOf(known, "authorization_endpoint"),
    tokenEndpoint: textOf(known, "token_endpoint"),
    deviceEndpoint: textOf(known, "device_authorization_endpoint"),
    async verify(token, { id }, forAll, nonce) {
      const claims = claimsOf(token);
      checkClaims(claims, issuer, id, now());
      const keys = parseServiceUrl("jwks_uri", textOf(known, "jwks_uri"));
      await checkSignature(token, await getJson(client, keys, forAll), algorithms);
      if (nonce !== undefined && claims["nonce"] !== nonce) {
        throw bad("nonce does not match value sent");
      }
      return { text: token, subject: subjectOf(claims) };
    },
  };
}

/** A JSON object; an answer that is none is told as it is. */
export async function getJson(
  client: ServiceClient,
  url: URL,
  signal: AbortSignal,
): Promise<TokenClaims> {
  const { status, statusText, text } = await client.send("GET", url, signal);
  if (status !== 200) throw bad(`${statusText}: ${text}`);
  return parseObject(text);
}

/** Sends a form, as OAuth 2 has it. What is not to be said is left out. */
export async function postForm(
  client: ServiceClient,
  url: string,
  fields: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly statusText: string; readonly text: string }> {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields).sort()) {
    if (value !== undefined) form.append(name, value);
  }
  return await client.send("POST", parseServiceUrl("an address of the OIDC issuer", url), signal, {
    body: form.toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
}

/** @throws {SignatureError} `signature.cannot-sign` */
export function parseObject(text: string): TokenClaims {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad("the OIDC issuer's answer is no JSON", cause);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw bad("the OIDC issuer's answer is no JSON object");
}

/** Empty where it is not there. */
export function textOf(known: TokenClaims, name: string): string {
  const value = known[name];
  return typeof value === "string" ? value : "";
}

function textsOf(known: TokenClaims, name: string): readonly string[] {
  const value = known[name];
  const all: readonly unknown[] = Array.isArray(value)
    ? value
    : typeof value === "string"
      ? [value]
      : [];
  return all.filter((each) => typeof each === "string");
}

function checkClaims(claims: TokenClaims, issuer: string, id: string, now: Date): void {
  if (claims["iss"] !== issuer) {
    const [wanted, got] = [issuer, textOf(claims, "iss")].map(goQuote);
    throw bad(`oidc: id token issued by a different provider, expected ${wanted} got ${got}`);
  }
  if (id === "") {
    throw bad(
      "oidc: invalid configuration, clientID must be provided or SkipClientIDCheck must be set",
    );
  }
  const audience = textsOf(claims, "aud");
  if (!audience.includes(id)) {
    throw bad(`oidc: expected audience ${goQuote(id)} got [${audience.map(goQuote).join(" ")}]`);
  }
  const until = new Date(Number(claims["exp"]) * 1000);
  if (!(until.getTime() > now.getTime())) {
    throw bad(`oidc: token is expired (Token Expiry: ${told(until)})`);
  }
  const from = claims["nbf"];
  const leewayMs = 5 * 60_000;
  if (from !== undefined && !(Number(from) * 1000 <= now.getTime() + leewayMs)) {
    throw bad("oidc: current time before the nbf (not before) time");
  }
}

function told(time: Date): string {
  if (Number.isNaN(time.getTime())) return "none";
  return `${time.toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

async function checkSignature(
  token: string,
  keys: TokenClaims,
  algorithms: readonly string[],
): Promise<void> {
  const { compactVerify, createLocalJWKSet } = await import("jose");
  try {
    const set = createLocalJWKSet({ keys: Array.isArray(keys["keys"]) ? keys["keys"] : [] });
    await compactVerify(token, set, { algorithms: [...algorithms] });
  } catch (cause) {
    throw bad("failed to verify signature: failed to verify id token signature", cause);
  }
}

/** Failures of a way to come by a token, told as such. */
export async function authenticating<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(`Error authenticating with OIDC: ${error.message}`, error);
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.cannot-sign", message, { cause });
}
